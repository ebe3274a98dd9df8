/* cause_table.h - why jobs wait for somebody or something, in a founder's words: the one place.
 *
 * X(word, serious, "sentence", "to do", "to do with a key")
 *   word      what the job engine calls the cause
 *   serious   1: a person has to do something; 0: it may pass by itself
 *   sentence  %s is the target's name
 *   to do     with a key: where the target has a secret that can be put in place here; "" as to do */
X("refused", 1, "%s refuses our key",
  "Put a new key into the file that usher.cfg names. What waits goes out by itself.",
  "Put a new key in place here. What waits goes out by itself.")
X("down", 0, "%s does not answer",
  "Nothing yet: it is asked again by itself, and what waits goes out then. If it lasts, look at its status page.", "")
X("held", 0, "%s takes nothing more from us for now",
  "Nothing: what waits goes out by itself when its limit allows. Pause it and let it go on to try at once, after you have raised the limit there.", "")
X("paused", 0, "%s is paused by a person",
  "Let it go on when you are ready. Nothing is lost meanwhile.", "")
X("dead", 1, "%s does not take this",
  "Read its answer, correct what it names, then try again. Skip what is no longer wanted.", "")
X("uncertain", 1, "It is not known whether %s took this",
  "Look there, or ask the person. Send it again if it did not arrive, skip it if it did.", "")
X("retrying", 0, "%s could not take this yet",
  "Nothing: it is tried again by itself, for three days at least.", "")
