/* lib/usher.js - usher, once for the whole app. Its settings come from the environment: USHER_URL,
 * USHER_KEY and USHER_PUSH_SECRET, or USHER_LOCAL while developing. */
import { createAccess } from "usher-access";

export const usher = createAccess();
