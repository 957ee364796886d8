// Takes one traveller through by AuthoriseCrossing: made from the .proto files alone, over mutual TLS.
//
//   node client.mjs --proto DIR --server HOST:PORT --ca PEM --cert PEM --key PEM --lane LANE --request-id ID
//        --face IMAGE [--face IMAGE ...] [--finger IMAGE ... --finger-dpi N]
//        [--session ID --mrz FILE [--portrait IMAGE] [--document-finger IMAGE]]
//        [--session ID --mrz FILE --chip DIR --access NONE|BAC|PACE [--chip-key DER]]
//            the chip's files as DIR/dg1.bin, DIR/sod.bin, ...; the key of DG14 whose possession it proved to the gate's reader
//
// Prints the answer as one JSON object. Exit status: 0 admitted and the lock acknowledged, 1 anything else the
// daemon decided, 3 the call was refused ({"code", "reason", "message"}), 2 wrong arguments.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const DEADLINE_MS = 60_000;

function options() {
  const one = { type: "string" };
  const many = { type: "string", multiple: true, default: [] };
  const { values } = parseArgs({
    options: {
      proto: one, server: one, ca: one, cert: one, key: one, lane: one, "request-id": one, session: one, mrz: one,
      portrait: one, "document-finger": one, chip: one, access: one, "chip-key": one, face: many, finger: many,
      "finger-dpi": one,
    },
  });
  for (const name of ["proto", "server", "ca", "cert", "key", "lane", "request-id"]) {
    if (values[name] === undefined) throw new TypeError(`--${name} is required`);
  }
  return values;
}

function connect(given) {
  const definition = loader.loadSync("egate/api/v1/crossing_service.proto", {
    includeDirs: [given.proto], enums: String, longs: String, defaults: true,
  });
  const { CrossingService } = grpc.loadPackageDefinition(definition).egate.api.v1;
  const [ca, key, cert] = [given.ca, given.key, given.cert].map((file) => readFileSync(file));
  return new CrossingService(given.server, grpc.credentials.createSsl(ca, key, cert));
}

function documentOf(given) {
  if (given.mrz === undefined) return undefined;
  const part = (file) =>
    file === undefined ? undefined : { documentSessionId: given.session, image: readFileSync(file) };
  return {
    documentSessionId: given.session,
    mrzLines: readFileSync(given.mrz, "utf8").split("\n").filter((line) => line !== ""),
    portrait: part(given.portrait),
    finger: part(given["document-finger"]),
    files: given.chip === undefined ? [] : chipFiles(given.chip, given.session),
    access: given.access === undefined ? undefined : `CHIP_ACCESS_${given.access}`,
    chipAuthentication: given["chip-key"] === undefined ? undefined : {
      protocol: "CHIP_AUTHENTICATION", publicKey: readFileSync(given["chip-key"]), result: "CHECK_RESULT_PASS",
    },
  };
}

function chipFiles(folder, session) {
  return readdirSync(folder).map((file) => ({
    documentSessionId: session, name: file.replace(/\.bin$/, ""), content: readFileSync(join(folder, file)),
  }));
}

function requestOf(given) {
  return {
    requestId: given["request-id"],
    lane: given.lane,
    document: documentOf(given),
    faces: given.face.map((file) => ({ image: readFileSync(file) })),
    fingers: given.finger.map((file) => ({ image: readFileSync(file), resolutionDpi: Number(given["finger-dpi"] ?? 0) })),
  };
}

// google.rpc.ErrorInfo inside google.rpc.Status; its reason is a short text in capitals.
function reasonOf(error) {
  const [details] = error.metadata.get("grpc-status-details-bin");
  if (details === undefined) return "";
  const after = details.toString("latin1").split("google.rpc.ErrorInfo")[1] ?? "";
  return after.match(/[A-Z][A-Z0-9_]+/)?.[0] ?? "";
}

let given;
try {
  given = options();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
const client = connect(given);
client.AuthoriseCrossing(requestOf(given), { deadline: Date.now() + DEADLINE_MS }, (error, answer) => {
  client.close();
  if (error) {
    console.log(JSON.stringify({ code: grpc.status[error.code], reason: reasonOf(error), message: error.details }));
    process.exitCode = 3;
    return;
  }
  console.log(JSON.stringify(answer));
  const through = answer.decision.verdict === "VERDICT_ADMIT" && answer.release === "RELEASE_ACKNOWLEDGED";
  process.exitCode = through ? 0 : 1;
});
