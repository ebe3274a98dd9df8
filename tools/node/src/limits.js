/* limits.js - every number of this package, with its unit. The ones of DEFAULTS can be set in
 * createAccess(); those of LIMITS cannot. */

export const DEFAULTS = Object.freeze({
    ttlSeconds: 60, // an answer is as good as new for so long
    maxStaleSeconds: 24 * 3600, // an older one counts for nothing when usher cannot be asked
    graceSeconds: 3600, // after `until`, when usher cannot be asked whether there was a renewal
    timeoutMs: 2000, // for one question
    retrySeconds: 5, // after silence: known members are answered from memory for so long
    toleranceSeconds: 300, // how far a push's timestamp may be off, either way
    membersMax: 10000, // in memory; the one not asked for longest goes first
});

export const LIMITS = Object.freeze({
    bodyBytesMax: 64 * 1024,
    idBytesMax: 256,
    signatureHeaderBytesMax: 4096,
    signaturesMax: 16,
    secretBytesMin: 16,
    secretBytesMax: 512,
    secretsMax: 16,
    whoCharsMax: 320,
    featuresMax: 1000,
    tokenBytesMax: 16 * 1024,
    leewaySeconds: 60, // between usher's clock and this one, for tokens
    keysMax: 16,
    keysRefreshSeconds: 60, // an unknown key id leads to a look at most so often
    keysAgeSeconds: 3600, // known keys are looked up again after this
    loudSeconds: 60, // the same complaint is not repeated more often
});
