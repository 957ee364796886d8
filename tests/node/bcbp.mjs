// Boarding passes by npm's `bcbp`: reads {decode: [[text, year]…], encode: [pass…]} from stdin, writes what became of each.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { decode, encode } = createRequire(import.meta.url)("bcbp");
const asked = JSON.parse(readFileSync(0, "utf8"));

function withDates(pass) {
  if (pass.data.issuanceDate) pass.data.issuanceDate = new Date(pass.data.issuanceDate);
  for (const leg of pass.data.legs) if (leg.flightDate) leg.flightDate = new Date(leg.flightDate);
  return pass;
}

const answer = {
  decode: asked.decode.map(([text, year]) => decode(text, year)),
  encode: asked.encode.map((pass) => encode(withDates(pass))),
};
process.stdout.write(JSON.stringify(answer));
