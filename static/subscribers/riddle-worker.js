/*
 * Solves a riddle of subscribers/guard/riddles.py, beside the page: for each place the first number for which SHA-256 of
 * "<seed>:<place>:<number>" begins with enough zero bits. The browser's own crypto answers later each time, and only
 * over HTTPS; for a quarter of a million short texts, plain code is quicker.
 */
"use strict";

/* FIPS 180-4: the fractional parts of the square and cube roots of the first primes. */
const primes = [];
for (let number = 2; primes.length < 64; number += 1) {
  if (primes.every((prime) => number % prime)) primes.push(number);
}
const fraction = (root) => ((root - Math.floor(root)) * 0x100000000) | 0;
const START = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUND = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));

const block = new Uint8Array(64);
const words = new Int32Array(64);

/* The first 32 bits of the hash of the text in `block`: one block, which has room for 55 characters. */
function head(length) {
  block[length] = 0x80;
  block.fill(0, length + 1, 62);
  block[62] = (length * 8) >> 8;
  block[63] = length * 8;
  for (let i = 0; i < 16; i += 1) {
    const at = i * 4;
    words[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3];
  }
  for (let i = 16; i < 64; i += 1) {
    const x = words[i - 15];
    const y = words[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
  }
  let a = START[0];
  let b = START[1];
  let c = START[2];
  let d = START[3];
  let e = START[4];
  let f = START[5];
  let g = START[6];
  let h = START[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + words[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  return (START[0] + a) >>> 0;
}

function write(text, from) {
  for (let i = 0; i < text.length; i += 1) block[from + i] = text.charCodeAt(i);
  return from + text.length;
}

function solve(seed, place, bits) {
  const begins = write(`${seed}:${place}:`, 0);
  for (let number = 0; ; number += 1) {
    if (head(write(String(number), begins)) >>> (32 - bits) === 0) return number;
  }
}

self.addEventListener("message", ({ data: { seed, bits, pieces } }) => {
  const numbers = [];
  for (let place = 0; place < pieces; place += 1) {
    numbers.push(solve(seed, place, bits));
    self.postMessage({ done: place + 1 });
  }
  self.postMessage({ answer: numbers.join(".") });
});
