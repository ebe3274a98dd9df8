/* app/layout.js - the frame of every page. */
import "./style.css";

export const metadata = { title: "The Club" };

export default function Layout({ children }) {
    return (
        <html lang="en">
            <body>
                <nav><a href="/">The Club</a> <a href="/members">Members</a></nav>
                {children}
            </body>
        </html>
    );
}
