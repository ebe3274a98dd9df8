/* next.config.js - the app stands on its own: nothing above this folder belongs to it. */
export default {
    turbopack: { root: import.meta.dirname },
    poweredByHeader: false,
};
