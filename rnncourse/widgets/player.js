// The controls of every player on the page (rnncourse.widgets). It listens on the document and keeps no state of its own,
// so it may be loaded twice, before or after the players; each notebook output carries it, the book loads it once.
(() => {
  if (window.rnnPlayers) return;
  window.rnnPlayers = true;
  document.documentElement.classList.add("rnn-players");
  const PAUSE = 1000; // milliseconds from frame to frame
  const playing = new WeakMap();

  const sliderOf = (button) => button.closest(".rnn-control").querySelector("input");

  function show(player, say) {
    let index = 0;
    const words = [];
    for (const control of player.querySelectorAll(".rnn-control")) {
      const slider = control.querySelector("input[type=range]");
      const at = Number((slider ?? control.querySelector("input:checked")).value);
      const label = JSON.parse(control.dataset.labels)[at];
      index += at * Number(control.dataset.stride);
      words.push(`${control.dataset.name}: ${label}`);
      if (!slider) continue;
      slider.setAttribute("aria-valuetext", label);
      control.querySelector("output").textContent = label;
      control.querySelector("[data-step='-1']").setAttribute("aria-disabled", at === 0);
      control.querySelector("[data-step='1']").setAttribute("aria-disabled", at === Number(slider.max));
    }
    player.querySelectorAll(".rnn-frame").forEach((frame, k) => { frame.hidden = k !== index; });
    if (say) player.querySelector(".rnn-said").textContent = words.join(", ");
  }

  function go(slider, value, say = true) {
    slider.value = value; // the browser keeps it between min and max
    show(slider.closest(".rnn-player"), say);
  }

  function stop(player) {
    const button = player.querySelector("[data-play]");
    if (!button || !playing.has(player)) return;
    clearInterval(playing.get(player));
    playing.delete(player);
    button.setAttribute("aria-label", "Play");
    button.textContent = "▶";
  }

  function play(button) {
    const player = button.closest(".rnn-player"), slider = sliderOf(button);
    if (slider.value === slider.max) go(slider, 0, false);
    button.setAttribute("aria-label", "Pause");
    button.textContent = "❚❚";
    playing.set(player, setInterval(() => {
      const last = Number(slider.value) + 1 >= Number(slider.max);
      if (!player.isConnected) return stop(player);
      go(slider, Number(slider.value) + 1, last); // says only where it ends: else it would talk over itself
      if (last) stop(player);
    }, PAUSE));
  }

  document.addEventListener("input", (event) => {
    const player = event.target.closest?.(".rnn-player");
    if (!player) return;
    stop(player);
    show(player, true);
  }, true);

  // A browser may have kept what was chosen before the page was left or loaded again.
  addEventListener("pageshow", () => document.querySelectorAll(".rnn-player").forEach((player) => show(player, false)));

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".rnn-player button");
    if (!button) return;
    const player = button.closest(".rnn-player"), was = playing.has(player);
    stop(player);
    if (button.dataset.step) go(sliderOf(button), Number(sliderOf(button).value) + Number(button.dataset.step));
    else if (was) show(player, true);
    else play(button);
  }, true);
})();
