/* app/api/usher/route.js - where usher pushes to: `url` of the section `app` in usher.cfg. */
import { usher } from "../../../lib/usher.js";

export const POST = usher.handlePush;
