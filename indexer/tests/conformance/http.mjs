// The audits of graphql-http, the reference implementation of GraphQL over HTTP, against a server: prints a line for each
// and fails if one that the specification demands ("MUST") does.
import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.argv[2] });
const tally = { ok: 0, notice: 0, warn: 0, error: 0 };
for (const result of results) {
  tally[result.status] += 1;
  if (result.status !== "ok") {
    console.log(`${result.status} ${result.id} ${result.name}: ${result.reason}`);
  }
}
console.log(JSON.stringify(tally));
if (tally.ok === 0 || tally.error > 0 || tally.warn > 0) {
  process.exit(1);
}
