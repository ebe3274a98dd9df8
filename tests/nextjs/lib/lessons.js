/* lib/lessons.js - what members pay for. The guard stands where the data is read: no page, route or
 * action gets a lesson without passing it, whatever else was forgotten on the way. */
import { usher } from "./usher.js";

const LESSONS = [
    { id: 1, title: "The first paying member" },
    { id: 2, title: "The member who never leaves" },
];

/** @throws AccessDenied */
export async function readLessons(email) {
    const answer = await usher.requireAccess(email);
    return { answer, lessons: LESSONS };
}
