// Numbers that move without a reload, ages that count on, and the picture of the history. Without it all pages work.
"use strict";

(() => {
  const live = () => document.getElementById("live");

  // Somebody who is typing, or has something selected, is not interrupted.
  const busy = () => {
    const at = document.activeElement;
    const types = at && live()?.contains(at) && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
    return types || !document.getSelection()?.isCollapsed;
  };

  // What is open stays open, and what has the focus keeps it.
  let open = [];
  let focus = null;
  const place = (element) => element?.getAttribute("href") ?? element?.getAttribute("aria-label");
  document.addEventListener("htmx:beforeSwap", () => {
    open = [...document.querySelectorAll("#live details")].map((details) => details.open);
    focus = live()?.contains(document.activeElement) ? place(document.activeElement) : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    document.querySelectorAll("#live details").forEach((details, at) => {
      if (at < open.length) details.open = open[at];
    });
    if (focus) [...document.querySelectorAll("#live a, #live [tabindex]")].find((one) => place(one) === focus)?.focus();
    draw();
  });

  const ago = (seconds) => {
    if (seconds < 120) return `${seconds} s ago`;
    if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86400).toLocaleString("en")} days ago`;
  };
  setInterval(() => {
    for (const time of document.querySelectorAll("time[datetime]:not([data-fixed])")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 1000));
      time.textContent = ago(seconds);
    }
  }, 5000);

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let chart = null;
  const draw = async () => {
    const place = document.getElementById("chart");
    if (!place || typeof uPlot === "undefined") return;
    const answer = await fetch(place.dataset.from, { credentials: "same-origin" });
    if (!answer.ok) return;
    const points = await answer.json();
    const data = [points.time, points.compliant, points.waiting, points.drift];
    if (chart && chart.root.isConnected) {
      chart.setData(data);
      return;
    }
    const line = (label, name) => ({ label, stroke: colour(name), width: 2, points: { show: false } });
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
    const options = {
      width: place.clientWidth,
      height: 220,
      scales: { y: { range: (_, __, most) => [0, Math.max(1, most)] } },
      series: [{}, line("compliant", "--compliant"), line("on the way", "--pending"), line("drift", "--failed")],
      axes: [axis, { ...axis, size: 60 }],
    };
    place.replaceChildren();
    chart = new uPlot(options, data, place);
  };
  addEventListener("resize", () => {
    const place = document.getElementById("chart");
    if (chart && place) chart.setSize({ width: place.clientWidth, height: 220 });
  });

  // Only a page that is seen listens: a browser has few connections for all its tabs.
  const moved = () => {
    if (!busy()) htmx.trigger(live(), "moved");
  };
  let events = null;
  const listen = () => {
    events?.close();
    events = null;
    if (document.hidden) return;
    events = new EventSource("/live");
    events.addEventListener("moved", moved);
  };
  document.addEventListener("visibilitychange", () => {
    listen();
    if (!document.hidden) moved();
  });
  addEventListener("pagehide", () => events?.close());
  // A page that comes back from the browser's memory listens again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) listen();
  });
  listen();
  draw();
})();
