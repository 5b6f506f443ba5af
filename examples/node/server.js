// A shop: it takes shared memory for its workers, builds a cache, reads and marks its catalogue.
const fs = require("node:fs");
const http = require("node:http");

console.log(`shop ${process.argv[2]} as ${process.getuid()}, process ${process.pid}`);
process.on("SIGTERM", () => process.exit(0)); // process 1 has no default for signals

fs.writeFileSync("/dev/shm/workers", Buffer.alloc(80 << 20)); // Docker's default is 64 MB
console.log("shared memory: 80 MB");

fs.writeFileSync(process.env.CACHE, "{}");
console.log(`cache in ${process.env.CACHE}`);

const items = JSON.parse(fs.readFileSync("/data/items.json"));
if (fs.existsSync("/data/lock")) throw new Error("the catalogue is in use: /data/lock is there");
fs.writeFileSync("/data/lock", String(process.pid));
console.log(`catalogue of ${items.length} items`);

const server = http.createServer((request, response) => {
  const item = items[request.url.replace("/items/", "")];
  response.writeHead(item ? 200 : 404, { "Content-Type": "application/json" });
  response.end(JSON.stringify(item ?? { error: "no such item" }));
});
server.listen(3000, "0.0.0.0", () => console.log("listening on port 3000"));
