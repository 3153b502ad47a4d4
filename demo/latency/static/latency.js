// Asks the service again and again, like a visitor who is never satisfied, and draws how long each answer took. Numbers here
// are this page's own, measured by the service: what all visitors saw is in its metrics.
const kept = 100; // answers on the chart
const between = 350; // milliseconds between two questions
const width = 600, height = 200, left = 50, fastest = 5, slowest = 10_000;
const seen = []; // {milliseconds, failed, worker}, oldest first
const grid = document.getElementById("grid");
const dots = document.getElementById("dots");
const trouble = document.getElementById("trouble");

const at = (milliseconds) => {
  const bounded = Math.min(slowest, Math.max(fastest, milliseconds));
  return height - 12 - (height - 24) * Math.log(bounded / fastest) / Math.log(slowest / fastest);
};

function add(parent, name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

for (const [milliseconds, name] of [[10, "10 ms"], [100, "100 ms"], [1000, "1 s"], [10_000, "10 s"]]) {
  add(grid, "line", { x1: left, x2: width, y1: at(milliseconds), y2: at(milliseconds) });
  add(grid, "text", { x: left - 6, y: at(milliseconds) + 4, "text-anchor": "end" }, name);
}

const words = (milliseconds) => milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;

function draw() {
  dots.replaceChildren();
  seen.forEach((answer, i) => {
    const x = width - 8 - (seen.length - 1 - i) * (width - left - 16) / (kept - 1);
    const kind = (answer.failed ? "failed" : "") + (i === seen.length - 1 ? " last" : "");
    const dot = add(dots, "circle", { cx: x, cy: at(answer.milliseconds), r: 4, class: kind.trim() });
    add(dot, "title", {}, `${words(answer.milliseconds)}, worker ${answer.worker}`);
  });
  const sorted = seen.map((answer) => answer.milliseconds).sort((a, b) => a - b);
  const quantile = (q) => words(sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)]);
  const show = (id, text) => { document.getElementById(id).textContent = text; };
  show("p50", quantile(0.5));
  show("p95", quantile(0.95));
  show("errors", String(seen.filter((answer) => answer.failed).length));
  show("workers", String(new Set(seen.map((answer) => answer.worker)).size));
  show("seen", seen.length === 1 ? "1 answer" : `the last ${seen.length}`);
}

function showSwitch(broken) {
  document.body.dataset.slow = String(broken.slow);
  document.body.dataset.failing = String(broken.failing);
  const any = broken.slow || broken.failing;
  const what = [broken.slow && "slow", broken.failing && "failing"].filter(Boolean).join(" and ");
  document.getElementById("state").textContent = any ? `Broken on purpose: ${what}` : "All is well";
  document.getElementById("why").textContent = any
    ? `Since ${new Date(broken.since).toLocaleTimeString()}, in every worker of the service.`
    : "Break it, for everybody and in every worker, until it is repaired.";
}

function complain(problem) {
  trouble.hidden = !problem;
  if (problem) trouble.textContent = `The service does not answer: ${problem.message}.`;
}

async function ask() {
  const response = await fetch("/", { headers: { Accept: "application/json" } });
  const answer = await response.json();
  seen.push({ milliseconds: answer.milliseconds, failed: !response.ok, worker: answer.worker });
  if (seen.length > kept) seen.shift();
  draw();
  showSwitch(answer.broken);
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const body = new URLSearchParams(new FormData(form));
      const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(await response.text());
      showSwitch(await response.json());
      complain(null);
    } catch (problem) {
      complain(problem);
    }
  });
}

async function go() {
  if (!document.hidden) await ask().then(() => complain(null), complain);
  setTimeout(go, between);
}
go();
