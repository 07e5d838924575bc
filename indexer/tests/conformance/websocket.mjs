// The client of graphql-ws, by whose authors the protocol graphql-transport-ws is, and the protocol's rules one by one over a
// bare socket: the words and codes are its specification's.
import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const url = process.argv[2];
const BLOCKS = "subscription { blocks(after: \"0\") { cursor number retracted } }";

/** What a script of messages comes to: all that the server sends, and the code with which it closes. */
function talk(messages, { protocol = "graphql-transport-ws", until = () => false } = {}) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocol);
    const received = [];
    const done = (code, reason) => resolve({ received, code, reason });
    socket.on("open", () => messages.forEach((message) => socket.send(typeof message === "string" ? message : JSON.stringify(message))));
    socket.on("message", (data) => {
      received.push(JSON.parse(data.toString()));
      if (until(received)) socket.close(1000);
    });
    socket.on("close", (code, reason) => done(code, reason.toString()));
    socket.on("error", reject);
  });
}

const INIT = { type: "connection_init" };
const subscribe = (id, query) => ({ id, type: "subscribe", payload: { query } });

// Whoever breaks the protocol is told how, by the code that it names.
for (const [what, messages, code, options] of [
  ["no subprotocol", [], 4406, { protocol: [] }],
  ["nothing is said", [], 4408],
  ["no JSON", ["hello"], 4400],
  ["an unknown type", [{ type: "greeting" }], 4400],
  ["no type", [{}], 4400],
  ["a payload that is not an object", [{ type: "connection_init", payload: "hello" }], 4400],
  ["two greetings", [INIT, INIT], 4429],
  ["an operation before the greeting", [subscribe("1", "{ _meta { chainId } }")], 4401],
  ["an operation without an id", [INIT, { type: "subscribe", payload: { query: "{ _meta { chainId } }" } }], 4400],
  ["an operation without a query", [INIT, { id: "1", type: "subscribe", payload: {} }], 4400],
  ["an id that is taken", [INIT, subscribe("1", BLOCKS), subscribe("1", BLOCKS)], 4409],
]) {
  const talked = await talk(messages, options);
  assert.equal(talked.code, code, `${what}: ${JSON.stringify(talked)}`);
}

// A client that asks for another protocol is not told that it is spoken.
await assert.rejects(() => talk([], { protocol: "graphql-ws" }), /no subprotocol/);

// A ping is answered, with what came with it, before the greeting and after it.
{
  const until = (received) => received.length === 3;
  const { received } = await talk([{ type: "ping" }, INIT, { type: "ping", payload: { a: 1 } }], { until });
  assert.deepEqual(received, [{ type: "pong" }, { type: "connection_ack" }, { type: "pong", payload: { a: 1 } }]);
}

// A query has one answer; a query that can't be executed has errors and nothing after them.
{
  const until = (received) => received.length === 4;
  const query = [INIT, subscribe("q", "{ _meta { chainId } }"), subscribe("bad", "{ nothing }")];
  const { received } = await talk(query, { until });
  const of = (id) => received.filter((message) => message.id === id);
  assert.deepEqual(of("q"), [
    { id: "q", type: "next", payload: { data: { _meta: { chainId: "31337" } } } },
    { id: "q", type: "complete" },
  ]);
  assert.equal(of("bad").length, 1);
  assert.equal(of("bad")[0].type, "error");
  assert.match(of("bad")[0].payload[0].message, /nothing/);
}

// An operation that the client completes is told nothing more, and its id is free again.
{
  const until = (received) => received.some((message) => message.type === "pong");
  const again = [INIT, subscribe("1", BLOCKS), { id: "1", type: "complete" }, subscribe("1", "{ _meta { chainId } }"), { type: "ping" }];
  const { received, code } = await talk(again, { until });
  assert.equal(code, 1000, JSON.stringify(received));
}

// The public client, with several operations on one connection.
const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
try {
  const found = client.iterate({ query: "{ _meta { chainId cursor } }" });
  assert.equal((await found.next()).value.data._meta.chainId, "31337");
  assert.equal((await found.next()).done, true);

  const blocks = client.iterate({ query: BLOCKS });
  const first = (await blocks.next()).value.data.blocks;
  const second = (await blocks.next()).value.data.blocks;
  assert.equal(BigInt(second.number), BigInt(first.number) + 1n);
  const rest = client.iterate({ query: `subscription { blocks(after: "${first.cursor}") { number } }` });
  assert.equal((await rest.next()).value.data.blocks.number, second.number);
  await blocks.return();
  await rest.return();

  const refused = client.iterate({ query: "subscription { blocks { nothing } }" });
  await assert.rejects(() => refused.next(), (errors) => /nothing/.test(errors[0].message));
  const gone = client.iterate({ query: "subscription { blocks(after: \"999999\") { number } }" });
  assert.equal((await gone.next()).value.errors[0].extensions.code, "GONE");
  assert.equal((await gone.next()).done, true);
} finally {
  await client.dispose();
}
console.log("ok");
