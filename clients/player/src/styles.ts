/**
 * The style of the element in its shadow tree: the variables and class names of the player's own pages, so that a brand
 * sets one set of variables. They are inherited from outside; nothing else of the host's style comes in.
 */

const LIGHT = "--_ink:#14181f;--_quiet:#4b5563;--_paper:#fff;--_panel:#f3f5f8;--_line:#6b7280;--_accent:#0b57a4;--_accent-ink:#fff;--_error:#b3160d;--_good:#12652f;--_focus:#7a3ff2";
const DARK = "--_ink:#eef1f5;--_quiet:#b4bcc8;--_paper:#12161c;--_panel:#1d232c;--_line:#8b95a5;--_accent:#7fb8f5;--_accent-ink:#0b1522;--_error:#ff9d94;--_good:#7fd79b;--_focus:#d3b8ff";
const NAMES = ["ink", "quiet", "paper", "panel", "line", "accent", "accent-ink", "error", "good", "focus"];

// A variable of the host wins; without one it is that of the theme.
const own = (css: string): string => css.replace(/\$([a-z-]+)/g, (_, name: string) => (NAMES.includes(name) ? `var(--${name},var(--_${name}))` : `var(--${name})`));

export const CSS = own(`
:host{${LIGHT};display:block;color:$ink;background:$paper;font:var(--text,1.0625rem)/1.5 var(--font,system-ui,sans-serif);overflow-wrap:anywhere;color-scheme:light dark}
@media (prefers-color-scheme:dark){:host{${DARK}}}
*{box-sizing:border-box}[hidden]{display:none!important}
h1,h2,h3{line-height:1.25;margin-block:0 .75rem}h1{font-size:1.75em}h1:focus,fieldset:focus{outline:none}
p{margin-block:0 .75rem}a{color:$accent}
:focus-visible{outline:3px solid $focus;outline-offset:2px}
.page{max-inline-size:var(--width,42rem);margin-inline:auto;padding:1rem}
.over,.progress,.hint,.mild{color:$quiet}.over,.progress{margin-block-end:.25rem}.mild{font-weight:400}
.errors,.notice{border:3px solid $error;border-radius:var(--radius,.375rem);padding:1rem;margin-block-end:1.5rem}
.notice{border:2px solid $line;background:$panel}.notice button{margin-inline-end:.5rem}
.errors a,.error{color:$error;font-weight:600}
.field,fieldset.group,.part{margin-block-end:1.5rem;min-inline-size:0}
.bad{border-inline-start:4px solid $error;padding-inline-start:.75rem}
label,legend{font-weight:600}label{display:inline-block}legend,fieldset{padding:0}fieldset{border:0;margin:0;min-inline-size:0}
input,select,textarea,button{font:inherit;color:inherit}
input,select,textarea{inline-size:100%;min-block-size:2.75rem;padding:.5rem .75rem;background:$paper;border:1px solid $line;border-radius:var(--radius,.375rem)}
.bad input,.bad select,.bad textarea{border-color:$error}input:read-only:not([type=file],[type=checkbox],[type=radio]),:disabled{background:$panel}
.line{display:flex;flex-wrap:wrap;gap:0 1.5rem}.line>*{flex:1 1 14rem}
.around{display:flex;align-items:center;gap:.5rem}.around>span{flex:none}
.check{display:flex;gap:.75rem;align-items:flex-start;padding-block:.375rem}.check label{font-weight:400;min-block-size:1.5rem}
.check input{inline-size:1.5rem;block-size:1.5rem;min-block-size:0;flex:none;margin:0;accent-color:$accent}
.two{display:flex;flex-wrap:wrap;gap:.75rem}.two>div{flex:1 1 9rem}
.row,.outline{border:1px solid $line;border-radius:var(--radius,.375rem);padding:1rem;margin-block-end:1rem}
button{min-block-size:2.75rem;padding:.5rem 1.25rem;border:2px solid $accent;border-radius:var(--radius,.375rem);background:$paper;color:$accent;font-weight:600;cursor:pointer}
button.main{background:$accent;color:$accent-ink}button:disabled{border-color:$line;color:$quiet;background:$panel}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;align-items:center}.good{color:$good;margin:0}
canvas.paper{display:block;background:#fff;border:1px solid $line;inline-size:100%;max-inline-size:37.5rem;touch-action:none;margin-block-end:.5rem}
progress{inline-size:100%;accent-color:$accent}.files{padding:0;list-style:none}.files li{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem;margin-block:.5rem}.apart{margin-block-start:.75rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;inline-size:100%}th,td,caption{text-align:start;padding:.375rem .75rem;border-block-end:1px solid $line}
iframe,img{max-inline-size:100%}iframe{inline-size:100%;border:1px solid $line}.logo{max-block-size:3rem}.spacer{block-size:1.5rem}
.answers>div{padding-block:.625rem;border-block-end:1px solid $line}.answers dt{font-weight:600}.answers dd{margin:0}
.unseen{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
nav{margin-block-start:1.5rem}nav ul{display:flex;flex-wrap:wrap;gap:.25rem .75rem;list-style:none;padding:0}
@media (prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important;scroll-behavior:auto!important}}
`);

/** Puts the style into a shadow tree: as a sheet that is made, which a policy without `unsafe-inline` lets pass. */
export const style = (root: ShadowRoot): void => {
  if (typeof CSSStyleSheet !== "function" || !("replaceSync" in CSSStyleSheet.prototype)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [sheet];
};

/** A brand's variables, on the element itself: set by script, so no policy of styles is asked. */
export const theme = (element: HTMLElement, variables: Readonly<Record<string, string>> = {}): void => {
  for (const [name, value] of Object.entries(variables)) {
    if (/^--[a-z][a-z0-9-]*$/.test(name) && !/[;{}]|url\(/i.test(value)) element.style.setProperty(name, value);
  }
};
