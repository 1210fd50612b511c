// Before all files of tests: the build of the dashboard, the binary around it, a history, and a server that shows it.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestProject } from "vitest/node";
import { seed } from "./seed";
import { Server } from "./server";

declare module "vitest" {
  export interface ProvidedContext {
    address: string;
    binary: string;
    history: string; // a data folder to copy
  }
}

const web = join(import.meta.dirname, "..");
const root = join(web, "../..");

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-e2e-"));
  const binary = join(folder, "rollcall");
  const history = join(folder, "history");
  const data = join(folder, "data");
  try {
    if (!process.env.ROLLCALL_DIST_BUILT) execFileSync("npm", ["run", "--silent", "build", "--", "--logLevel", "error"], { cwd: web, stdio: "inherit" });
    execFileSync("go", ["build", "-o", binary, "./cmd/rollcall"], { cwd: root, stdio: "inherit" });
    seed(binary, history, folder);
    cpSync(history, data, { recursive: true });
    const server = await Server.start({ binary, data });
    for (const [name, value] of Object.entries({ address: server.address, binary, history })) project.provide(name as "address", value);
    return async () => {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
