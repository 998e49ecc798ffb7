/** How much raw configuration one namespace may have (routing rule 4), so that none costs the others. */
export const allowance = { rawRoutes: 500, regexes: 50, configBytes: 64 * 1024 } as const;
