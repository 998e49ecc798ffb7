// What an error of the file system is.

/** `ENOENT`, `EACCES` … of an error of the file system. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : String(error);
}
