// From a text to the input lines that spike: the same entries as snnlp_lava.text.entries.
//
// A scheme is {words, pairs, characters}: whether words and pairs of neighbouring words are entries, and the shortest and
// the longest character n-gram, or null.
"use strict";

// White space as Python's str.split() has it: JavaScript's \s differs in a few control characters.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const RUN_OF_SPACE = new RegExp(`[${SPACE}]+`, "gu");
const WORD = new RegExp(`[\\p{L}\\p{N}_']+|[^\\p{L}\\p{N}_${SPACE}]`, "gu");

// NFKC, then case folding: lower case, but for the characters of `folds`, whose folding is another (such as ß).
function normalise(text, folds) {
  let folded = "";
  for (const character of text.normalize("NFKC")) {
    folded += folds[character] !== undefined ? folds[character] : character.toLowerCase();
  }
  return folded.replace(RUN_OF_SPACE, " ").replace(/^ | $/g, "");
}

// Entries of a text in order, each with the place [start, end) of its characters in the normalised text.
function entriesOf(normalised, scheme) {
  const found = [];
  if (scheme.words || scheme.pairs) {
    const words = [...normalised.matchAll(WORD)].map((match) => ({ entry: match[0], start: match.index, end: match.index + match[0].length }));
    if (scheme.words) found.push(...words);
    if (scheme.pairs) {
      for (let i = 1; i < words.length; i++) {
        found.push({ entry: `${words[i - 1].entry} ${words[i].entry}`, start: words[i - 1].start, end: words[i].end });
      }
    }
  }
  if (scheme.characters && normalised) {
    const padded = [" ", ...normalised, " "];
    const [low, high] = scheme.characters;
    for (let n = low; n <= high; n++) {
      for (let i = 0; i + n <= padded.length; i++) {
        found.push({ entry: `\t${padded.slice(i, i + n).join("")}`, start: i, end: i + n });
      }
    }
  }
  return found;
}

if (typeof module !== "undefined") module.exports = { normalise, entriesOf };
