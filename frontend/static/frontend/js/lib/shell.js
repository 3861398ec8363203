// What every page has: the theme button, the bell, and the live connection behind it.
import { mountBell } from "./bell.js";
import { byId } from "./dom.js";
import { socket } from "./live.js";

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

// On a narrow screen menus scroll sideways: what one is on is in sight.
for (const here of document.querySelectorAll(".nav [aria-current], .page-tabs [aria-current]")) {
  const menu = here.parentElement;
  menu.scrollLeft = here.offsetLeft - menu.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;
}

mountBell();
socket.addEventListener("down", ({ detail }) => detail.code === 4401 && location.reload());
socket.connect();
