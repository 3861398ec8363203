// Runs before the first paint: the page must not flash in the wrong theme.
(function () {
  var stored = null;
  try { stored = localStorage.getItem("desk.theme"); } catch (error) { stored = null; }
  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = stored || (dark ? "dark" : "light");
})();
