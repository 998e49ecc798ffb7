// Runs a program in a network namespace of its own, with the loopback up and nothing else, so that no packet leaves the machine whatever it does:
//
//   node gateway/start.mjs test/cluster/alone.ts PROGRAM ARGUMENT…
//
// Where that is not possible it runs as it is, and what needs a network of its own skips itself and says so (own-network.ts).
import { spawn, spawnSync } from "node:child_process";

/** Root needs no more; others become root of a user namespace, where the system lets them. */
const ways: readonly (readonly string[])[] = [["--net"], ["--user", "--map-root-user", "--net"]];

/** SIOCSIFFLAGS with IFF_UP on lo, where there is no iproute2; perl is in every Debian. */
const upByIoctl = String.raw`perl -MSocket -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0) or die; my $r = pack("a16 s x14", "lo", 1); ioctl($s, 0x8914, $r) or die "lo: $!"'`;
const loopbackUp = `{ ip link set lo up 2> /dev/null || ${upByIoctl}; }`;

const command = [process.execPath, ...process.argv.slice(2)];
const way = ways.find(
  (options) => spawnSync("unshare", [...options, "sh", "-c", loopbackUp], { stdio: "ignore" }).status === 0,
);
if (way === undefined)
  process.stderr.write(
    "no network namespace can be had here (util-linux, and root or user namespaces, are needed): what needs one is skipped\n",
  );
const [file, ...argv] =
  way === undefined ? command : ["unshare", ...way, "sh", "-c", `${loopbackUp} && exec "$@"`, "sh", ...command];
const child = spawn(file!, argv, { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
