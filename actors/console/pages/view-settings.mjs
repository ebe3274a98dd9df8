import { useState } from "./hooks.mjs";
import { act, hasKeys, setKeys, useRead } from "./api.mjs";
import { Act, ActDialog, Ago, Copy, html, Loaded, post, remove, State } from "./ui.mjs";
import { Jobs } from "./view-jobs.mjs";

const ROLES = [["viewer", "Viewer: sees how things are, names masked"], ["support", "Support: sees members, writes notes"], ["operator", "Operator: retries, pauses, changes secrets"], ["owner", "Owner: everything"]];
const SCOPES = ["access", "members", "jobs", "events", "metrics"];

// What is shown once.
function Once({ title, text, secret }) {
    return html`<p class="note ok" role="status"><strong>${title}</strong> ${text}<span class="once"><code>${secret}</code><${Copy} text=${secret} /></span></p>`;
}

function People({ me, people, again }) {
    const [link, setLink] = useState("");
    const told = (answer) => (setLink(answer.link || ""), again());
    const where = (name, what) => "people/" + encodeURIComponent(name) + what;
    return html`<h2>People</h2>
        ${link && html`<${Once} title="A link that counts once." text="Send it to them; it is over in a week. " secret=${link} />`}
        <ul class="rows">${people.map((person) => html`<li class="row" key=${person.name}>
            <span class="grow"><strong>${person.name}</strong><span>${person.role}${person.totp && ", two-step sign-in"}${person.invited && ", has not come yet"}</span></span>
            <span class="meta">${person.last_seen ? html`seen <${Ago} time=${person.last_seen} />` : ""}</span>
            ${person.name !== me.name && html`<span class="buttons">
                <${Act} label="Role" fields=${[{ name: "role", label: "Role", kind: "select", options: ROLES, value: person.role }]} run=${post(where(person.name, "/role"))} done=${again} button="Change" />
                <${Act} label="New link" text="Their password and sessions end; the link lets them set a new one." run=${post(where(person.name, "/invite"))} done=${told} button="Make it" />
                <${Act} label="Remove" tone="danger" danger run=${remove(where(person.name, ""))} done=${again} button="Remove" /></span>`}</li>`)}</ul>
        <${Act} label="Add somebody" tone="main" run=${post("people")} done=${told} button="Add"
            fields=${[{ name: "name", label: "Name (a-z, 0-9)", required: true, pattern: "[a-z0-9_\\-]{1,32}" }, { name: "role", label: "Role", kind: "select", options: ROLES, value: "support" }]} />`;
}

function Keys({ keys, again }) {
    const [key, setKey] = useState("");
    const add = (values) => act("POST", "keys", { name: values.name, scopes: [values.scope], reason: values.reason });
    return html`<h2>API keys</h2>
        ${key && html`<${Once} title="The key, shown once." text="Keep it where your app finds it. " secret=${key} />`}
        ${keys.length === 0 && html`<p class="quiet">None. Your web app needs one with the scope access.</p>`}
        <ul class="rows">${keys.map((each) => html`<li class="row" key=${each.id}><span class="grow"><strong>${each.name}</strong><span>${each.scopes.join(", ")} · made by ${each.created_by}</span></span>
            <span class="meta">used <${Ago} time=${each.last_used} /></span><${Act} label="Remove" tone="danger" danger run=${remove("keys/" + encodeURIComponent(each.id))} done=${again} button="Remove" text="Whoever uses it is refused from then on." /></li>`)}</ul>
        <${Act} label="Add a key" tone="main" run=${add} done=${(answer) => (setKey(answer.key), again())} button="Add"
            fields=${[{ name: "name", label: "What is it for?", required: true, maxlength: 60 }, { name: "scope", label: "What may it read?", kind: "select", options: SCOPES.map((each) => [each, each]), value: "access" }]} />`;
}

function Secrets({ secrets, again }) {
    return html`<h2>Secrets</h2><ul class="rows">${secrets.map((each) => html`<li class="row" key=${each.id}>
        <span class="grow"><strong>${each.provider}</strong><span>${each.label}${each.lines > 1 && `, ${each.lines} count at present`}</span>${each.why && html`<span class="meta">${each.why}</span>`}</span>
        <span class="meta">${each.changed_at && html`changed <${Ago} time=${each.changed_at} />`}</span>
        ${each.rotatable && html`<span class="buttons"><${Act} label="New secret" run=${post("secrets/rotate", { id: each.id })} done=${again} button="Put it in place" fields=${[{ name: "value", label: "The new secret", kind: "password", required: true, minlength: 8 }]}
            text="It counts at once. Where the old one may still be in use, both count until you retire it." />
            ${each.lines > 1 && html`<${Act} label="Retire the old" tone="danger" danger run=${post("secrets/retire", { id: each.id })} done=${again} button="Retire" />`}</span>`}</li>`)}</ul>`;
}

function Totp({ me, again }) {
    const [start, setStart] = useState(null);
    const begin = () => act("POST", "me/totp", {}).then(setStart);
    const code = [{ name: "code", label: "The six digits that your app shows", required: true, inputmode: "numeric", pattern: "[0-9]{6}" }];
    if (me.totp) {
        return html`<p>Two-step sign-in is on.</p><${Act} label="Turn it off" tone="danger" danger reason=${false} fields=${code} run=${post("me/totp/remove")} done=${again} button="Turn off" />`;
    }
    return html`<button type="button" onClick=${begin}>Turn on two-step sign-in</button>
        ${start && html`<${ActDialog} title="Two-step sign-in" reason=${false} fields=${code} run=${post("me/totp/confirm")} close=${() => setStart(null)} done=${again} button="Turn on"
            text=${html`Add this to your authenticator app, then type what it shows.<span class="once"><code>${start.secret.match(/.{4}/g).join(" ")}</code><${Copy} text=${start.secret} /></span><span class="once"><a href=${start.uri}>Open it in the app</a></span>`} />`}`;
}

function Mine({ me, reload }) {
    return html`<h2>You</h2><p>${me.name}, ${me.role}</p><div class="buttons">
        <${Act} label="Change password" reason=${false} run=${post("me/password")} button="Change" text="Your other sessions end."
            fields=${[{ name: "old", label: "Old password", kind: "password", required: true, autocomplete: "current-password" }, { name: "new", label: "New password, at least 10 characters", kind: "password", required: true, minlength: 10, autocomplete: "new-password" }]} />
        <${Totp} me=${me} again=${reload} /></div>
        <label class="check"><input type="checkbox" defaultChecked=${hasKeys()} onChange=${(event) => setKeys(event.target.checked)} />Keys of one letter in this browser (j, k, g, ?)</label>`;
}

export function Settings({ me, reload }) {
    const from = useRead("settings");
    const owner = me.rights.includes("PEOPLE");
    return html`<h1>Settings</h1><${Mine} me=${me} reload=${reload} /><${Loaded} from=${from}>${({ people, sessions, keys, secrets, hooks }) => html`
        <h2>Sessions</h2><ul class="rows">${sessions.map((each) => html`<li class="row" key=${each.id}>
            <span class="grow"><strong>${each.person}${each.current && " (this one)"}</strong><span>${each.agent && each.agent + " · "}${each.address}</span></span>
            <span class="meta">seen <${Ago} time=${each.last_seen} /></span>
            ${!each.current && html`<${Act} label="End it" tone="danger" danger run=${remove("sessions/" + encodeURIComponent(each.id))} done=${from.again} button="End it" />`}</li>`)}</ul>
        ${owner && html`<${People} me=${me} people=${people} again=${from.again} /><${Keys} keys=${keys} again=${from.again} />`}
        ${me.rights.includes("SETTINGS") && secrets.length > 0 && html`<${Secrets} secrets=${secrets} again=${from.again} />`}
        <h2>What your web app is told</h2>
        ${hooks.app.url_host ? html`<p>${hooks.app.url_host} <${State} word=${hooks.app.state || "unknown"} /></p>` : html`<p class="quiet">No address is set; it can ask instead (an API key with the scope access).</p>`}
        ${hooks.app.url_host && hooks.app.log.length > 0 && html`<${Jobs} jobs=${hooks.app.log} />`}`}<//>`;
}
