// The parts of CodeMirror that web/static/elements/editor.js uses.
export {autocompletion, completionKeymap, closeBrackets, closeBracketsKeymap} from "@codemirror/autocomplete";
export {defaultKeymap, history, historyKeymap} from "@codemirror/commands";
export {SQLDialect} from "@codemirror/lang-sql";
export {HighlightStyle, bracketMatching, syntaxHighlighting} from "@codemirror/language";
export {EditorState, StateEffect, StateField} from "@codemirror/state";
export {Decoration, EditorView, drawSelection, keymap} from "@codemirror/view";
export {tags} from "@lezer/highlight";
