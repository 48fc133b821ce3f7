// What a user of the openEO JavaScript client does, from connecting to deleting, in this order.
// Run by test_javascript_client.py with the URL of a back-end and a folder for downloads; prints one JSON object a call.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { OpenEO } from "@openeo/js-client";

const [url, folder] = process.argv.slice(2);
const collection = "sentinel-2-l2a-demo";
const kept = {};
const sum = { sum: { process_id: "add", arguments: { x: 3, y: 5 }, result: true } };
const scale = {
  scaled: {
    process_id: "multiply",
    arguments: { x: { from_parameter: "x" }, y: { from_parameter: "factor" } },
    result: true,
  },
};
const parameters = [
  { name: "x", description: "Any number.", schema: { type: "number" } },
  {
    name: "factor",
    description: "What it is multiplied with.",
    schema: { type: "number" },
    optional: true,
    default: 10,
  },
];

async function refused(code, promise) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.code, code);
    return;
  }
  assert.fail(`nothing was refused, but ${code} was expected`);
}

async function ndvi() {
  const description = await kept.connection.describeCollection(collection);
  const west = description["cube:dimensions"].x.extent[0];
  const south = description["cube:dimensions"].y.extent[0];
  const extent = { west, south, east: west + 2000, north: south + 2000, crs: 32632 };
  const builder = await kept.connection.buildProcess("ndvi");
  const cube = builder.load_collection(collection, extent, ["2024-06-01", "2024-07-01"], ["B04", "B08"]);
  const index = builder.ndvi(cube, "B08", "B04");
  const median = builder.reduce_dimension(index, (data, _, callback) => callback.median(data), "t");
  return builder.save_result(median, "GTiff");
}

async function finished(job) {
  for (let attempt = 0; attempt < 300; attempt++) {
    await job.describeJob();
    if (job.status === "finished" || job.status === "error") {
      return job.status;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return job.status;
}

const stream = async (readable) => {
  const parts = [];
  for await (const part of readable) {
    parts.push(part);
  }
  return Buffer.concat(parts);
};

const calls = {
  async connect_by_well_known_document() {
    kept.connection = await OpenEO.connect(url);
  },
  async version_discovery() {
    const versions = await fetch(`${url}/.well-known/openeo`).then((answer) => answer.json());
    assert.equal(versions.versions[0].api_version, kept.connection.capabilities().apiVersion());
  },
  async capabilities() {
    const capabilities = kept.connection.capabilities();
    for (const feature of ["createJob", "uploadFile", "updateService", "setUserProcess", "debugJob"]) {
      assert.ok(capabilities.hasFeature(feature), feature);
    }
  },
  async list_file_types() {
    const types = await kept.connection.listFileTypes();
    assert.ok(types.getOutputType("GTiff"));
    assert.ok(types.getInputType("GTiff"));
  },
  async list_service_types() {
    const types = Object.keys(await kept.connection.listServiceTypes()).map((name) => name.toUpperCase());
    assert.ok(types.includes("XYZ") && types.includes("WMTS"));
  },
  async list_collections() {
    const { collections } = await kept.connection.listCollections();
    assert.ok(collections.some(({ id }) => id === collection));
  },
  async describe_collection() {
    assert.equal((await kept.connection.describeCollection(collection)).id, collection);
  },
  async describe_collection_queryables() {
    const queryables = await kept.connection.describeCollectionQueryables(collection);
    assert.equal(queryables.type, "object");
  },
  async list_processes() {
    const { processes } = await kept.connection.listProcesses();
    assert.ok(processes.length > 100);
  },
  async describe_process() {
    assert.equal((await kept.connection.describeProcess("ndvi")).id, "ndvi");
  },
  async be_asked_for_an_account() {
    await refused("AuthenticationRequired", kept.connection.describeAccount());
  },
  async list_auth_providers() {
    const providers = await kept.connection.listAuthProviders();
    kept.providers = Object.fromEntries(providers.map((provider) => [provider.getId(), provider]));
    assert.deepEqual(Object.keys(kept.providers).sort(), ["basic", "oidc.river"]);
  },
  async authenticate_with_a_wrong_password() {
    await refused("CredentialsInvalid", kept.connection.authenticateBasic("demo", "guess"));
  },
  async authenticate_oidc_client_credentials() {
    const connection = await OpenEO.connect(url);
    const providers = await connection.listAuthProviders();
    const provider = providers.find((each) => each.getId() === "oidc.river");
    provider.setGrant("client_credentials");
    provider.setClientId("river-job");
    provider.clientSecret = "not so secret";
    await provider.login();
    assert.match((await connection.describeAccount()).user_id, /^river~/);
  },
  async authenticate_basic() {
    await kept.connection.authenticateBasic("demo", "demo");
  },
  async describe_account() {
    assert.equal((await kept.connection.describeAccount()).user_id, "demo");
  },
  async validate_a_valid_process() {
    assert.equal((await kept.connection.validateProcess({ process_graph: sum })).length, 0);
  },
  async validate_an_invalid_process() {
    const nothing = { nothing: { process_id: "no_such_process", arguments: {}, result: true } };
    const [fault] = await kept.connection.validateProcess({ process_graph: nothing });
    assert.equal(fault.code, "ProcessUnsupported");
  },
  async compute_result() {
    const { data, type } = await kept.connection.computeResult({ process_graph: sum });
    assert.equal(type, "application/json");
    assert.equal(JSON.parse(await stream(data)), 8);
  },
  async download_result() {
    const target = path.join(folder, "ndvi.tif");
    await kept.connection.downloadResult(await ndvi(), target);
    assert.ok(fs.statSync(target).size > 10000);
  },
  async set_user_process() {
    kept.process = await kept.connection.setUserProcess("scale", {
      process_graph: scale,
      parameters,
      summary: "Scale a number.",
    });
  },
  async list_user_processes() {
    const processes = await kept.connection.listUserProcesses();
    assert.deepEqual(processes.map(({ id }) => id), ["scale"]);
  },
  async get_user_process() {
    assert.deepEqual((await kept.connection.getUserProcess("scale")).processGraph, scale);
  },
  async replace_user_process() {
    await kept.process.replaceUserProcess({ process_graph: scale, parameters, summary: "Scale any number." });
    assert.equal((await kept.connection.getUserProcess("scale")).summary, "Scale any number.");
  },
  async use_user_process() {
    const scaled = { scaled: { process_id: "scale", arguments: { x: 4 }, result: true } };
    const { data } = await kept.connection.computeResult({ process_graph: scaled });
    assert.equal(JSON.parse(await stream(data)), 40);
  },
  async upload_file() {
    await kept.connection.uploadFile(path.join(folder, "ndvi.tif"), "maps/ndvi js.tif");
  },
  async list_files() {
    const files = await kept.connection.listFiles();
    assert.deepEqual(files.map((file) => file.path), ["maps/ndvi js.tif"]);
  },
  async download_file() {
    const file = await kept.connection.getFile("maps/ndvi js.tif");
    await file.downloadFile(path.join(folder, "again.tif"));
    const [a, b] = ["ndvi.tif", "again.tif"].map((name) => fs.readFileSync(path.join(folder, name)));
    assert.ok(a.equals(b));
  },
  async delete_file() {
    await (await kept.connection.getFile("maps/ndvi js.tif")).deleteFile();
    assert.equal((await kept.connection.listFiles()).length, 0);
  },
  async create_job() {
    kept.job = await kept.connection.createJob(await ndvi(), "NDVI", "Of *June*.");
    assert.ok(kept.job.id);
  },
  async describe_job() {
    const job = await kept.connection.getJob(kept.job.id);
    assert.equal(job.title, "NDVI");
    assert.equal(job.status, "created");
  },
  async update_job() {
    await kept.job.updateJob({ title: "Green" });
    assert.equal((await kept.connection.getJob(kept.job.id)).title, "Green");
  },
  async list_jobs() {
    const jobs = await kept.connection.listJobs();
    assert.ok(jobs.some(({ id }) => id === kept.job.id));
  },
  async estimate_job() {
    assert.ok((await kept.job.estimateJob()).size > 0);
  },
  async start_job() {
    await kept.job.startJob();
    assert.equal(await finished(kept.job), "finished");
  },
  async debug_job() {
    assert.ok((await kept.job.debugJob("info").nextLogs()).length > 0);
  },
  async list_results() {
    const assets = await kept.job.listResults();
    assert.equal(assets.length, 1);
    assert.match(assets[0].type, /^image\/tiff/);
  },
  async results_as_stac() {
    assert.equal((await kept.job.getResultsAsStac()).type, "Collection");
  },
  async download_results() {
    const target = path.join(folder, "results");
    fs.mkdirSync(target);
    const [file] = await kept.job.downloadResults(target);
    assert.ok(fs.statSync(file).size > 10000);
  },
  async stop_job() {
    const job = await kept.connection.createJob(await ndvi());
    await job.startJob();
    await job.stopJob();
    await job.deleteJob();
  },
  async delete_job() {
    await kept.job.deleteJob();
    await refused("JobNotFound", kept.connection.getJob(kept.job.id));
  },
  async create_service() {
    kept.service = await kept.connection.createService(await ndvi(), "XYZ", "NDVI");
    assert.ok(kept.service.url.startsWith("http"));
  },
  async describe_service() {
    assert.equal((await kept.connection.getService(kept.service.id)).title, "NDVI");
  },
  async update_service() {
    await kept.service.updateService({ title: "Green" });
    assert.equal((await kept.connection.getService(kept.service.id)).title, "Green");
  },
  async list_services() {
    assert.equal((await kept.connection.listServices()).length, 1);
  },
  async debug_service() {
    assert.ok(Array.isArray(await kept.service.debugService().nextLogs()));
  },
  async delete_service() {
    await kept.service.deleteService();
    assert.equal((await kept.connection.listServices()).length, 0);
  },
  async delete_user_process() {
    await kept.process.deleteUserProcess();
    assert.equal((await kept.connection.listUserProcesses()).length, 0);
  },
};

for (const [name, call] of Object.entries(calls)) {
  let error = null;
  try {
    await call();
  } catch (failure) {
    const answer = failure.response?.data;
    const message = answer?.pipe ? String(await stream(answer)) : JSON.stringify(answer);
    error = `${failure.stack ?? failure}\n${message}`;
  }
  console.log(JSON.stringify({ name, error }));
}
