// Reads the page aloud by the browser's own voice, sentence by sentence, the spoken one marked.
const box = document.querySelector(".speak");
const all = [...document.querySelectorAll("[data-spoken]")];
const [back, play, on] = ["Sentence before", "Read aloud", "Next sentence"].map((name) => {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", name);
  box.append(button);
  return button;
});
back.textContent = "◀";
on.textContent = "▶▶";
const said = document.createElement("span");
said.setAttribute("role", "status");
box.append(said);
let place = 0, speaking = false, turn = 0;

function show() {
  play.textContent = speaking ? "❚❚ Pause" : "▶ Read aloud";
  play.setAttribute("aria-label", speaking ? "Pause" : "Read aloud");
  all.forEach((one, k) => one.classList.toggle("spoken", speaking && k === place));
  if (speaking) all[place].scrollIntoView({ block: "center", behavior: "smooth" });
}

function speak() {
  const mine = ++turn;
  speechSynthesis.cancel();
  if (speaking) {
    const sentence = new SpeechSynthesisUtterance(all[place].dataset.spoken);
    sentence.lang = "en";
    sentence.onend = () => mine === turn && go(place + 1);
    sentence.onerror = (event) => {
      if (mine !== turn || event.error === "canceled" || event.error === "interrupted") return;
      speaking = false;
      said.textContent = "This browser has no voice that reads English. `mutoscope learn narrate` makes audio files.";
      show();
    };
    speechSynthesis.speak(sentence);
  }
  show();
}

function go(to) {
  if (to >= all.length) speaking = false;
  place = Math.max(0, Math.min(all.length - 1, to));
  speak();
}

// From where the reader is: the first sentence that can be seen, unless it is paused in the middle.
function here() {
  const seen = all.findIndex((one) => one.getBoundingClientRect().top > 0);
  const now = all[place].getBoundingClientRect();
  return place > 0 && now.bottom > 0 && now.top < innerHeight ? place : Math.max(0, seen);
}

if (!("speechSynthesis" in window) || !all.length) {
  box.remove();
} else {
  play.onclick = () => {
    speaking = !speaking;
    if (speaking) place = here();
    speak();
  };
  back.onclick = () => go(place - 1);
  on.onclick = () => go(place + 1);
  addEventListener("pagehide", () => speechSynthesis.cancel());
  show();
}
