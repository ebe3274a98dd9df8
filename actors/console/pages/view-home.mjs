import { useNews, useRead } from "./api.mjs";
import { Empty, html, Lines, Link, Loaded } from "./ui.mjs";

const ICONS = { green: "✓", yellow: "!", red: "✕" };

export function Tile({ tile }) {
    const words = { ok: "", warn: "look at this", bad: "over its limit", unknown: "not known" };
    return html`<${Link} href=${tile.href || "/"} class="tile ${tile.state}">
        <span class="label">${tile.label}</span>
        <strong>${tile.value}</strong>
        <span class="limit">${words[tile.state] || (tile.limit ? `limit: ${tile.limit}` : "\u00a0")}</span>
    <//>`;
}

export function Home() {
    const from = useRead("home");
    const [news, clear] = useNews();
    return html`<${Loaded} from=${from} title="Home">${(home) => html`
        <section class="verdict ${home.color}" aria-live="polite">
            <span class="mark" aria-hidden="true">${ICONS[home.color]}</span>
            <div>
                <h1>${home.sentence}</h1>
                ${home.advice && html`<p>${home.advice.text}${" "}${home.advice.href && html`<${Link} class="go" href=${home.advice.href}>See it<//>`}</p>`}
            </div>
        </section>
        <section class="tiles" aria-label="How it stands">${home.tiles.map((tile) => html`<${Tile} key=${tile.id} tile=${tile} />`)}</section>
        <section>
            <div class="head"><h2>What happened</h2>
                ${news > 0 && html`<button type="button" class="pill" onClick=${() => (clear(), from.again())}>${news} new</button>`}
            </div>
            ${home.lines.length
                ? html`<${Lines} lines=${home.lines} />`
                : html`<${Empty} title="Nothing yet"><p>As soon as a payment arrives it shows here.</p><${Link} class="button main" href="/start">First steps<//><//>`}
        </section>`}<//>`;
}
