"use strict";
// Keeps a page's live parts as the server shows them now: asks for them again every few seconds, and puts in
// place what differs. Nothing is replaced in which the focus is, and nothing is asked for by a page in the
// background. Without this script every page is whole all the same.
(() => {
  const seconds = 3;
  const parts = () => [...document.querySelectorAll("[data-live]")];
  if (!parts().length || location.search.includes("cursor=")) return;

  const bar = document.createElement("div");
  bar.className = "live";
  const told = document.createElement("p");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  bar.append(told, button);
  document.querySelector("main").prepend(bar);
  let paused = false;

  const say = (text) => {
    if (told.textContent !== text) told.textContent = text;
  };
  const show = () => {
    say(paused ? "Paused" : "Live");
    button.textContent = paused ? "Go on" : "Pause";
    button.setAttribute("aria-label", paused ? "Go on with live updates" : "Pause live updates");
  };

  const replace = (page) => {
    for (const old of parts()) {
      const fresh = page.querySelector(`[data-live="${old.dataset.live}"]`);
      if (!fresh || old.contains(document.activeElement) || old.innerHTML === fresh.innerHTML) continue;
      const opened = [...old.querySelectorAll("details")].map((one) => one.open);
      const places = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
      old.replaceChildren(...document.importNode(fresh, true).childNodes);
      old.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = places[place] ?? 0; });
      old.querySelectorAll("details").forEach((one, place) => { one.open = opened[place] ?? one.open; });
    }
  };

  const refresh = async () => {
    if (paused || document.hidden) return;
    try {
      const url = new URL(location.href);
      url.hash = "";
      url.searchParams.delete("done");
      const answer = await fetch(url, { headers: { Accept: "text/html", "X-Live": "1" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") {
        paused = true;
        show();
        say("You are signed out; load the page again.");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      show();
    } catch {
      say("Not live: the service doesn't answer. Trying again.");
    }
  };

  button.addEventListener("click", () => {
    paused = !paused;
    show();
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  const again = async () => {
    await refresh();
    setTimeout(again, seconds * 1000);
  };
  show();
  setTimeout(again, seconds * 1000);
})();
