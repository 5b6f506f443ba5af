// The sidecar for OpenClaw: stands in for the model, speaks the gateway's WebSocket protocol,
// adds a cron job for every boot and runs it. Orders come as JSON lines on standard input, what
// happens goes out as JSON lines on standard output. Node 22 or newer, no packages.
//
// usage: node sidecar.mjs GATEWAY_PORT GATEWAY_TOKEN
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import readline from "node:readline";

const [, , PORT, TOKEN] = process.argv;
const RETRY_MS = 20;
const ANSWER_MS = 60_000;
const DOUBT_MS = 60_000;
const DOUBT_EVERY_MS = 2_000;
const ASK_MS = 2_000;
const WATCH_MS = 100; // a gateway under gate has better things to do than to answer
const PART = 8_000; // of an answer, so that its event fits into a line
const SCOPES = ["operator.admin", "operator.read", "operator.write"];

const say = (event, more = {}) => fs.writeSync(1, JSON.stringify({ event, ...more }) + "\n");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const words = (error) => error?.message || JSON.stringify(error) || String(error);

let token = "";
let gateway = null; // the open connection, once the gateway said hello
let mute = null; // requests that are never answered: "token" for those of this boot, "all"
let serving = false;
let job = null; // the job of this boot: {id}, or {error} where the gateway would not have it

// -- the model: any chat completion is answered with two words -----------------------------------

function serve({ port, reply }) {
  mute = reply?.mute ?? null;
  if (serving) return say("serving", { port });
  const server = http.createServer((request, response) => {
    let raw = "";
    request.setEncoding("utf8");
    request.on("data", (chunk) => (raw += chunk));
    request.on("end", () => {
      const ours = token !== "" && (raw.includes(token) || request.url.includes(token));
      // The list of models is asked for before the task starts, and is answered.
      const muted = request.method === "POST" && (mute === "all" || (mute === "token" && ours));
      say("called", {
        method: request.method, path: request.url, token: ours, bytes: raw.length,
        head: lastMessage(raw).slice(0, 160), mute: muted,
      });
      if (!muted) answer(request, response, raw);
    });
  });
  server.on("error", (error) => say("trouble", { text: `port ${port}: ${error.message}` }));
  server.listen(port, "127.0.0.1", () => {
    serving = true;
    say("serving", { port });
  });
}

function parsed(raw) {
  try { return JSON.parse(raw); } catch { return {}; }
}

function lastMessage(raw) {
  const content = (parsed(raw).messages || []).at(-1)?.content ?? "";
  return typeof content === "string" ? content : JSON.stringify(content);
}

function answer(request, response, raw) {
  const json = (value) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (request.method !== "POST") return json({ object: "list", data: [{ id: "stub-1", object: "model" }] });
  const body = parsed(raw);
  const base = { id: "c1", created: 1, model: body.model || "stub-1" };
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const message = { role: "assistant", content: "bootgate ok" };
  if (!body.stream) {
    return json({ ...base, object: "chat.completion", usage, choices: [{ index: 0, message, finish_reason: "stop" }] });
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const chunk = { ...base, object: "chat.completion.chunk" };
  const events = [
    { ...chunk, choices: [{ index: 0, delta: message, finish_reason: null }] },
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { ...chunk, choices: [], usage },
  ];
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  response.end("data: [DONE]\n\n");
}

// -- the gateway: challenge, connect with a device identity, requests and events -----------------

const keys = crypto.generateKeyPairSync("ed25519");
const publicKey = keys.publicKey.export({ type: "spki", format: "der" }).subarray(-32);

function device(nonce) {
  // Releases like 2026.3.28 take the scopes away from clients that have a token only.
  const id = crypto.createHash("sha256").update(publicKey).digest("hex");
  const signedAt = Date.now();
  const text = ["v2", id, "gateway-client", "backend", "operator", SCOPES.join(","), signedAt, TOKEN, nonce].join("|");
  const signature = crypto.sign(null, Buffer.from(text), keys.privateKey).toString("base64url");
  return { id, publicKey: publicKey.toString("base64url"), signature, signedAt, nonce };
}

class Connection {
  #sequence = 0;
  #pending = new Map();

  constructor(socket) { this.socket = socket; }

  call(method, params) {
    const id = String(++this.#sequence);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, false, { message: `no answer to ${method} in ${ANSWER_MS / 1000} s` }), ANSWER_MS);
      this.#pending.set(id, { resolve, reject, timer });
      this.socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  take(frame) { this.#settle(frame.id, frame.ok, frame.ok ? frame.payload : frame.error); }

  closed() { for (const id of [...this.#pending.keys()]) this.#settle(id, false, { message: "connection closed" }); }

  #settle(id, ok, value) {
    const waiting = this.#pending.get(id);
    if (!waiting) return;
    this.#pending.delete(id);
    clearTimeout(waiting.timer);
    (ok ? waiting.resolve : waiting.reject)(value);
  }
}

function connect() {
  return new Promise((resolve, reject) => {
    const connection = new Connection(new WebSocket(`ws://127.0.0.1:${PORT}`));
    const { socket } = connection;
    socket.onerror = () => reject(new Error("no connection"));
    socket.onclose = (event) => {
      connection.closed();
      reject(new Error(`closed ${event.code} ${event.reason}`));
      if (gateway === connection) {
        gateway = null;
        say("gateway-gone", { code: event.code, reason: event.reason });
      }
    };
    socket.onmessage = async ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "res") return connection.take(frame);
      if (frame.event !== "connect.challenge") return observe(frame.event, frame.payload);
      try {
        const hello = await connection.call("connect", {
          minProtocol: 3, maxProtocol: 99, caps: [], role: "operator", scopes: SCOPES,
          client: { id: "gateway-client", version: "1.0.0", platform: "linux", mode: "backend" },
          auth: { token: TOKEN }, device: device(frame.payload.nonce),
        });
        resolve([connection, hello]);
      } catch (error) {
        socket.close();
        reject(error);
      }
    };
  });
}

async function attend() {
  let last = "";
  const trouble = (text) => { if (text !== last) say("state", { id: "ready", text: (last = text).slice(0, 200) }); };
  for (;;) {
    try {
      const [connection, hello] = await connect();
      for (;;) {
        try {
          const { jobs = [] } = await connection.call("cron.list", { includeDisabled: true });
          gateway = connection;
          say("gateway", { version: hello?.server?.version ?? "" });
          return say("cron-list", { jobs: jobs.map(({ name }) => name) });
        } catch (error) {
          if (connection.socket.readyState !== WebSocket.OPEN) throw error;
          trouble(words(error));
          await sleep(RETRY_MS);
        }
      }
    } catch (error) {
      trouble(words(error)); // "gateway starting; retry shortly", or nobody there yet
      await sleep(RETRY_MS);
    }
  }
}

async function observe(event, payload) {
  if (event !== "cron" || !job?.id || payload?.jobId !== job.id) return;
  const { action, status = "", error = "", durationMs } = payload;
  say("cron", { action, status, error, durationMs });
  if (action === "finished") await readRunLog(job);
}

async function readRunLog(mine, { patient = false } = {}) {
  try {
    const { entries = [] } = await gateway.call("cron.runs", { id: mine.id, limit: 1 });
    const ended = entries.find((entry) => entry.status && (entry.runAtMs ?? mine.triggeredAt) >= mine.triggeredAt);
    if (job !== mine || mine.logged || (patient && !ended)) return;
    mine.logged = true;
    say("run-log", { status: entries[0]?.status ?? "", error: entries[0]?.error ?? "" });
  } catch (problem) {
    if (!patient) say("run-log", { status: "unreadable", error: words(problem) });
  }
}

// The run log may know of an end of which no event came. Nobody is disturbed by questions before
// a boot has taken longer than the system's own watchdogs allow.
async function doubt(mine) {
  for (await sleep(DOUBT_MS); job === mine && !mine.logged; await sleep(DOUBT_EVERY_MS)) {
    if (gateway) await readRunLog(mine, { patient: true });
  }
}

// -- orders --------------------------------------------------------------------------------------

async function arm(order) {
  token = order.token;
  job = null;
  watching.clear();
  if (order.send?.job) job = { id: order.send.job }; // it is there already
  else if (order.send && gateway) job = await addJob(order.send).catch((error) => ({ error: words(error) }));
  say("armed", { token });
}

// A whole `cron.add`, of which what is not said is as a boot wants it; `text` is what the task is.
// A gateway refuses what it does not know.
async function addJob({ text, payload: asked, ...more }) {
  const { sessionTarget } = more;
  const main = sessionTarget === "main";
  const kind = asked?.kind ?? (main ? "systemEvent" : "agentTurn");
  const task = { systemEvent: { text }, agentTurn: { message: text } }[kind];
  const added = await gateway.call("cron.add", {
    name: token, enabled: true, wakeMode: "now", schedule: { kind: "every", everyMs: 86_400_000 },
    ...(main ? {} : { delivery: { mode: "none" } }),
    ...more,
    payload: { kind, ...task, ...asked },
  });
  const made = added.job ?? added;
  if (made.sessionTarget === "isolated" && sessionTarget !== "isolated") {
    throw new Error(`cron.add was asked for ${sessionTarget} and answered isolated`);
  }
  return { id: made.id };
}

async function trigger() {
  if (!job) return say("refused", { error: "there is no connection to the gateway" });
  if (job.error) return say("refused", { error: `cron.add: ${job.error}` });
  say("sent");
  job.triggeredAt = Date.now();
  doubt(job);
  try {
    const answered = await gateway.call("cron.run", { id: job.id, mode: "force" });
    const refused = answered?.ok === false || answered?.ran === false;
    say(refused ? "refused" : "accepted", { status: refused ? 0 : 200, body: JSON.stringify(answered) });
  } catch (error) {
    say("refused", { error: `cron.run: ${words(error)}` });
  }
}

// All jobs with what makes them what they are, and how often each of them ran.
async function jobs() {
  try {
    if (!gateway) throw new Error("there is no connection to the gateway");
    const listed = [];
    for (let offset = 0; ;) {
      const page = await gateway.call("cron.list", { includeDisabled: true, limit: 200, offset });
      for (const each of page.jobs ?? []) listed.push(await record(each));
      if (!page.hasMore) break;
      offset = page.nextOffset;
    }
    const text = JSON.stringify(listed);
    for (let at = 0; at < text.length; at += PART) {
      say("answer", { text: text.slice(at, at + PART), more: at + PART < text.length });
    }
  } catch (error) {
    say("answer", { error: words(error) });
  }
}

async function record({ id, name, enabled, schedule, payload, sessionTarget, wakeMode, delivery }) {
  const { entries = [], total } = await gateway.call("cron.runs", { id, limit: 200 });
  return { id, name, enabled, schedule, payload, sessionTarget, wakeMode, delivery, runs: total ?? entries.length };
}

// An endpoint, a port or a file, until it is as wanted.
const watching = new Set();

// One look at it: whether it is as wanted, and how it stands.
async function ask({ http: address, tcp, exists, status, json }) {
  if (exists) return { so: fs.existsSync(exists), text: "no such file" };
  if (tcp) return accepts(Number(tcp.split(":").at(-1)));
  try {
    const answered = await fetch(`http://127.0.0.1${address}`, { signal: AbortSignal.timeout(ASK_MS) });
    const text = await answered.text();
    const right = status == null ? answered.ok : answered.status === status;
    const so = right && (json == null || contains(parsed(text), json));
    const body = text.split(/\s+/).join(" ").trim().slice(0, 200);
    const stands = `${answered.status} ${answered.statusText}`.trim();
    return { so, status: answered.status, text: body ? `${stands}: ${body}` : stands, slow: false };
  } catch (error) {
    return { so: false, text: why(error), slow: error?.name === "TimeoutError" };
  }
}

function accepts(port) {
  return new Promise((done) => {
    const socket = net.connect({ host: "127.0.0.1", port, timeout: ASK_MS });
    const end = (so, text = "") => { socket.destroy(); done({ so, text }); };
    socket.on("connect", () => end(true)).on("timeout", () => end(false, "timed out")).on("error", (error) => end(false, why(error)));
  });
}

// Why nobody answered, in plain words; what `fetch` says of it is in the cause.
function why(error) {
  if (error?.name === "TimeoutError") return "timed out";
  const cause = error?.cause ?? error;
  const known = { ECONNREFUSED: "connection refused", ECONNRESET: "closed without an answer (TLS?)", UND_ERR_SOCKET: "closed without an answer (TLS?)" };
  return known[cause?.code] ?? (String(cause?.code).startsWith("HPE_") ? "not HTTP" : words(cause));
}

async function watch(order) {
  watching.add(order);
  say("watching", { id: order.id });
  for (let last = ""; watching.has(order); await sleep(WATCH_MS)) {
    const { so, status, text } = await ask(order);
    if (!watching.has(order)) return;
    if (so) return say("seen", { id: order.id, status });
    if (text !== last) say("state", { id: order.id, text: (last = text) });
  }
}

async function look(order) {
  say("looked", { id: order.id, so: (await ask(order)).so });
}

// An endpoint, until it says otherwise or nobody is there; one that takes its time says nothing.
async function lapse(order) {
  watching.add(order);
  for (say("watching", { id: order.id }); watching.has(order); await sleep(WATCH_MS)) {
    const { so, text, slow } = await ask(order);
    if (!so && !slow) return say("lapsed", { id: order.id, text });
  }
}

function contains(answer, wanted) {
  if (wanted === null || typeof wanted !== "object") return answer === wanted;
  if (answer === null || typeof answer !== "object") return false;
  if (Array.isArray(wanted)) return Array.isArray(answer) && wanted.every((value) => answer.some((item) => contains(item, value)));
  return Object.entries(wanted).every(([key, value]) => key in answer && contains(answer[key], value));
}

const orders = { serve, arm, trigger, jobs, watch, look, lapse };
say("hello");
attend();
readline.createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = parsed(line);
    const carryOut = orders[order.do];
    if (carryOut) carryOut(order);
    else say("trouble", { text: `this sidecar cannot ${order.do}: it only knows ${Object.keys(orders).join(", ")}` });
  })
  .on("close", () => process.exit(0));
