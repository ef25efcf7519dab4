/** Spans as lines of JSON in a file. */
export { type JsonlTracerOptions, jsonlTracer } from './jsonl-tracer.ts'
