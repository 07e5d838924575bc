// Compiles tests again and again, each time with one source of the contracts replaced. A line of JSON in ({"path", "source",
// "files"}: what replaces what, and what to compile), a line out ({"artifacts": {"File.sol/Contract": bytecode}} or {"error"}).
// One process, because loading the compiler takes as long as compiling.
//
//   node compiler.js ROOT SETTINGS
const fs = require("fs");
const path = require("path");
const readline = require("readline");

const [root, settings] = process.argv.slice(2);
const solc = require(path.join(root, "node_modules/solc"));

const standing = new Map();
function read(name) {
  if (!standing.has(name)) standing.set(name, fs.readFileSync(path.join(root, name), "utf8"));
  return standing.get(name);
}

function compile(wanted) {
  const find = (name) => {
    try {
      return { contents: name === wanted.path ? wanted.source : read(name) };
    } catch (error) {
      return { error: error.message };
    }
  };
  const each = (value) => Object.fromEntries(wanted.files.map((file) => [file, value(file)]));
  const input = {
    language: "Solidity",
    sources: each((file) => ({ content: read(file) })),
    settings: { ...JSON.parse(settings), outputSelection: each(() => ({ "*": ["evm.bytecode.object"] })) },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
  const error = (output.errors ?? []).find(({ severity }) => severity === "error");
  if (error) return { error: error.formattedMessage };
  const artifacts = {};
  for (const [file, contracts] of Object.entries(output.contracts)) {
    for (const [name, { evm }] of Object.entries(contracts)) {
      // Abstract ones and interfaces have no code.
      if (evm.bytecode.object) artifacts[`${path.basename(file)}/${name}`] = evm.bytecode.object;
    }
  }
  return { artifacts };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => console.log(JSON.stringify(compile(JSON.parse(line)))));
