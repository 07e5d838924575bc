// The client of graphql-sse: subscriptions as server-sent events, one request each.
import assert from "node:assert/strict";
import { createClient } from "graphql-sse";

const client = createClient({ url: process.argv[2], singleConnection: false, retryAttempts: 0 });

const found = client.iterate({ query: "{ _meta { chainId } }" });
assert.equal((await found.next()).value.data._meta.chainId, "31337");
assert.equal((await found.next()).done, true);

const blocks = client.iterate({ query: "subscription { blocks(after: \"0\") { cursor number retracted } }" });
const first = (await blocks.next()).value.data.blocks;
const second = (await blocks.next()).value.data.blocks;
assert.equal(BigInt(second.number), BigInt(first.number) + 1n);
await blocks.return();

const refused = client.iterate({ query: "subscription { blocks { nothing } }" });
assert.match((await refused.next()).value.errors[0].message, /nothing/);
assert.equal((await refused.next()).done, true);

client.dispose();
console.log("ok");
