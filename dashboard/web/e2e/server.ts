// The real binary as a child process.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** What starts a server: the binary, and a folder that holds its data. */
export interface Plan {
  binary: string;
  data: string;
  listen?: string; // host:port; a free port of the loopback unless given
  command?: "serve" | "demo";
  flags?: string[]; // of the command
}

// The server dies with the process that started it, however that ends: its end closes the pipe that cat reads from.
const leash = '"$@" </dev/null & echo $!; cat; kill -9 $!; wait';

/** A server that can be killed, frozen and started again at its address. */
export class Server {
  private constructor(
    private readonly plan: Plan,
    private shell: ChildProcess,
    private pid: number,
    /** Such as http://127.0.0.1:8080, without a slash at the end. */
    readonly address: string,
  ) {}

  /** Starts a server and waits until it listens. */
  static async start(plan: Plan): Promise<Server> {
    const { shell, pid, address } = await launch(plan);
    return new Server(plan, shell, pid, address);
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    const ended = once(this.shell, "exit");
    this.shell.stdin?.end();
    if (this.shell.exitCode === null) await ended;
  }

  /** Starts a killed server again, on its data and at its address. */
  async restart(): Promise<void> {
    const { shell, pid } = await launch({ ...this.plan, listen: new URL(this.address).host });
    this.shell = shell;
    this.pid = pid;
  }

  /** Stops the process where it is: connections stay open and nothing is answered. */
  freeze(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.pid, "SIGCONT");
  }
}

async function launch({ binary, data, listen = "127.0.0.1:0", command = "serve", flags = [] }: Plan) {
  const shell = spawn("sh", ["-c", leash, "sh", binary, command, "--data", data, "--listen", listen, ...flags]);
  let said = "";
  const address = new Promise<string>((resolve, reject) => {
    createInterface(shell.stderr).on("line", (line) => {
      said += `${line}\n`;
      const at = /listening on (http:\S+)/.exec(line)?.[1];
      if (at) resolve(at);
    }).on("close", () => reject(new Error(`rollcall ${command} ended:\n${said}`)));
  });
  const [pid] = (await once(createInterface(shell.stdout), "line")) as [string];
  return { shell, pid: Number(pid), address: await address };
}
