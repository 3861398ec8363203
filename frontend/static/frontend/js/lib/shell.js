// What every page has: the theme button.
import { byId } from "./dom.js";

byId("theme-toggle")?.addEventListener("click", () => {
  const root = document.documentElement;
  const theme = root.dataset.theme === "dark" ? "light" : "dark";
  root.dataset.theme = theme;
  try {
    localStorage.setItem("desk.theme", theme);
  } catch {
    // Private windows may refuse storage: the theme then lasts as long as the page.
  }
  document.dispatchEvent(new Event("themechange"));
});
