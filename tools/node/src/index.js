/* index.js - the package usher-access. Its manual is README.md, its types are index.d.ts. */
export { AccessDenied, createAccess } from "./access.js";
export { FAIL_SAFE, failSafe, failSafeText } from "./fail_safe.js";
export { PUSH_FAULTS, PushError, signPush, verifyPush } from "./push.js";
export { memoryStore } from "./store.js";
export { TOKEN_FAULTS, TokenError } from "./token.js";
