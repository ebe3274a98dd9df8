// What mailauth says of mails. In: {"records": {name: [string, ...]}, "mails": [base64, ...]}.
// Out: for each mail {"dkim": [[algorithm, result, fields], ...], "dmarc": result}.
import { readFileSync } from "node:fs";
import { authenticate } from "mailauth";

const { records, mails } = JSON.parse(readFileSync(0, "utf8"));

async function resolver(name, type) {
  if (type === "TXT" && records[name]) {
    return [records[name]];
  }
  throw Object.assign(new Error(`no ${type} of ${name}`), { code: "ENOTFOUND" });
}

const said = [];
for (const mail of mails) {
  const { dkim, dmarc } = await authenticate(Buffer.from(mail, "base64"), {
    ip: "192.0.2.1",
    helo: "mx.example.net",
    sender: "bounces@example.net",
    resolver,
  });
  said.push({
    dkim: dkim.results.map((one) => [one.algo, one.status.result, one.signingHeaders?.keys ?? ""]),
    dmarc: dmarc ? dmarc.status.result : "none",
  });
}
console.log(JSON.stringify(said));
