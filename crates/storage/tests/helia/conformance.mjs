// Helia, an implementation of IPFS by others, as the peer of ours: node conformance.mjs GATEWAY SAMPLES
//
// SAMPLES is a JSON file with files and a folder on the disk and the CIDs that ours gives them. Helia must give the same, and
// read the same content through GATEWAY, block by block and as CARs. Then it serves what it has made itself, until stdin
// ends; the address stands on stdout.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

// Helia is written for Node.js 22, which has this; nothing else of it is missing in 20.
Promise.withResolvers ??= function () {
  let settle;
  const promise = new this((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle };
};
const { trustlessGateway } = await import("@helia/block-brokers");
const { car } = await import("@helia/car");
const { createHeliaHTTP } = await import("@helia/http");
const { httpGatewayRouting } = await import("@helia/routers");
const { unixfs } = await import("@helia/unixfs");
const { CarReader } = await import("@ipld/car");
const { fixedSize } = await import("ipfs-unixfs-importer/chunker");
const { balanced } = await import("ipfs-unixfs-importer/layout");
const { CID } = await import("multiformats/cid");

const [gateway, samples] = process.argv.slice(2);
const { files, folder } = JSON.parse(readFileSync(samples, "utf8"));

/** What `ipfs add --cid-version=1 --raw-leaves` does. */
const likeKubo = () => ({
  cidVersion: 1,
  rawLeaves: true,
  reduceSingleLeafToSelf: true,
  chunker: fixedSize({ chunkSize: 262_144 }),
  layout: balanced({ maxChildrenPerNode: 174 }),
});

/** A node that knows only these gateways. */
const node = (gateways) =>
  createHeliaHTTP({
    routers: [httpGatewayRouting({ gateways })],
    blockBrokers: [trustlessGateway({ allowInsecure: true, allowLocal: true })],
  });

async function collect(pieces) {
  const collected = [];
  for await (const piece of pieces) collected.push(piece);
  return Buffer.concat(collected);
}

/** All files and folders below a folder on the disk: content by path, no content for a folder. */
function onDisk(path, below = "") {
  const found = new Map();
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const [inner, name] = [join(path, entry.name), below + entry.name];
    if (!entry.isDirectory()) {
      found.set(name, readFileSync(inner));
      continue;
    }
    found.set(name, undefined);
    for (const [deeper, content] of onDisk(inner, `${name}/`)) found.set(deeper, content);
  }
  return found;
}

/** The same, of a folder in IPFS. */
async function inIpfs(fs, cid, below = "") {
  const found = new Map();
  for await (const entry of fs.ls(cid)) {
    // Helia's parts use several copies of one library, and take only objects of their own.
    const [name, inner] = [below + entry.name, CID.parse(entry.cid.toString())];
    if ((await fs.stat(inner)).type !== "directory") {
      found.set(name, await collect(fs.cat(inner)));
      continue;
    }
    found.set(name, undefined);
    for (const [deeper, content] of await inIpfs(fs, inner, `${name}/`)) found.set(deeper, content);
  }
  return found;
}

function sameContent(found, expected) {
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  for (const [path, content] of expected) {
    assert.equal(found.get(path)?.equals(content), content && true, path);
  }
}

// The CIDs are the same.
const own = await node([]);
for (const { path, cid } of files) {
  const made = await unixfs(own).addBytes(readFileSync(path), likeKubo());
  assert.equal(made.toString(), cid, path);
}
const expected = onDisk(folder.path);
const entries = [...expected].map(([path, content]) => ({ path: `folder/${path}`, content }));
let root;
for await (const entry of unixfs(own).addAll(entries, likeKubo())) {
  if (entry.path === "folder") root = entry.cid;
}
assert.equal(root.toString(), folder.cid, "the folder");

// Helia reads ours, block by block and from CARs.
const ofBlocks = await node([gateway]);
const ofCars = await node([]);
for (const { path, cid } of [...files, folder]) {
  const response = await fetch(`${gateway}/ipfs/${cid}?format=car`);
  assert.equal(response.status, 200, path);
  await car(ofCars).import(await CarReader.fromIterable(response.body));
}
for (const reader of [ofBlocks, ofCars]) {
  const fs = unixfs(reader);
  for (const { path, cid } of files) {
    assert.ok((await collect(fs.cat(CID.parse(cid)))).equals(readFileSync(path)), path);
  }
  sameContent(await inIpfs(fs, CID.parse(folder.cid)), expected);
}

// Ours is to read Helia's: under /raw only blocks are served, under /car only CARs.
const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const [, kind, cid] = pathname.match(/^\/(raw|car)\/ipfs\/(\w+)$/) ?? [];
  if (searchParams.get("format") !== kind) {
    response.writeHead(501).end();
    return;
  }
  response.setHeader("content-type", `application/vnd.ipld.${kind}`);
  const wanted = CID.parse(cid);
  const pieces = kind === "car" ? car(own).export(wanted) : own.blockstore.get(wanted, { offline: true });
  for await (const piece of pieces) response.write(piece);
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
