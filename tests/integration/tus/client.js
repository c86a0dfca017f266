// SPDX-License-Identifier: Apache-2.0
// Uploads a file with tus-js-client and prints what came of it as JSON.
//   node client.js '{"endpoint": …, "file": …, "options": {…}, "pauses": N}'
// With `pauses` the upload is aborted so often on its way, and a new Upload object resumes it by its address.
const fs = require("fs");
const { createRequire } = require("module");
const tus = createRequire(process.cwd() + "/")("tus-js-client");

const job = JSON.parse(process.argv[2]);
const content = fs.readFileSync(job.file);

function upload(url, pauses) {
  return new Promise((resolve, reject) => {
    const current = new tus.Upload(content, {
      endpoint: job.endpoint,
      uploadUrl: url,
      retryDelays: new Array(60).fill(20),
      ...job.options,
      onError: reject,
      onSuccess: () => resolve(current.url),
      onProgress: (sent, total) => {
        if (pauses > 0 && sent > total / 3) {
          const address = current.url;
          pauses = -1;
          current.abort().then(() => resolve(null), reject).then(() => (job.address = address));
        }
      },
    });
    current.start();
  });
}

async function main() {
  let url = null;
  let left = job.pauses || 0;
  while (!(url = await upload(job.address, left--)));
  return { url };
}

main().then(
  (result) => console.log(JSON.stringify(result)),
  (error) => {
    console.log(JSON.stringify({ error: String(error), status: error.originalResponse ? error.originalResponse.getStatus() : null }));
    process.exitCode = 1;
  },
);
