// Is this process in a network of its own?
import { networkInterfaces } from "node:os";

/** Why not, or null: nothing but a loopback is there. */
export const ownNetworkMissing = Object.values(networkInterfaces())
  .flat()
  .every((address) => address?.internal === true)
  ? null
  : "packets could leave the machine here: run it by npm run test:cluster or npm run tour, which make a network namespace";
