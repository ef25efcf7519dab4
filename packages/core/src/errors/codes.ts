/** What a code means to the person who meets it. The documentation page of errors is generated from this. */
export interface ErrorCodeEntry {
  readonly title: string
  readonly cause: string
  readonly hint: string
}

/** The closed list of codes. A code is permanent: it is added, never renamed. */
export const ERROR_CODES = {
  'archive.invalid': {
    title: 'The archive is malformed or hostile',
    cause: 'A tar stream that came out of a sandbox or a store broke the format, or named a path that leads out.',
    hint: 'Nothing of it was used. Take the archive again; when it came from a sandbox, treat that sandbox as hostile.',
  },
  'archive.limit': {
    title: 'The archive is larger than its budget',
    cause: 'More bytes or members arrived than the limits of the call allow.',
    hint: 'Leave out what is not needed, or raise the limit.',
  },
  'audit.failed': {
    title: 'A required audit sink failed',
    cause: 'The action was not done, because it could not be recorded.',
    hint: 'Mend the sink, or make it optional by name.',
  },
  'auth.denied': {
    title: 'The credential was refused',
    cause: 'The service knows the credential and does not accept it.',
    hint: 'Check the value of the variable that the message names.',
  },
  'auth.missing': {
    title: 'A credential is missing',
    cause: 'Nothing was set where the credential is looked for.',
    hint: 'Set the variable that the message names.',
  },
  'config.invalid': {
    title: 'An option, a manifest or an argument is not valid',
    cause: 'The value has the wrong type or breaks a rule that the message names.',
    hint: 'Correct the value; nothing was done yet.',
  },
  'conformance.failed': {
    title: 'A plugin does not do what its contract says',
    cause: 'A requirement of a conformance suite did not hold.',
    hint: 'Read the requirement under its id and correct the plugin.',
  },
  'exec.invalid-stdin': {
    title: 'The command has no standard input to write to',
    cause: 'It was started without live stdin, its stdin was closed, or it has ended.',
    hint: 'Start it with `stdin: "open"`, and write before it ends.',
  },
  'exec.lost': {
    title: 'What became of the command cannot be known',
    cause: 'Its receipt is missing, contradictory, or belongs to another command or another life of the sandbox.',
    hint: 'Look at what the command should have done before you run it again.',
  },
  'exec.output-limit': {
    title: 'The command printed more than is kept',
    cause: 'Its output passed `maxSpoolBytes`; the rest was cut, and the cut is marked.',
    hint: 'Redirect the output into a file, or raise the limit.',
  },
  'exec.spawn-failed': {
    title: 'The command could not be started',
    cause: 'The program, its working directory or its user is not there.',
    hint: 'Check the name, the path and the `cwd` that the message quotes.',
  },
  'exec.timeout': {
    title: 'The command ran past its deadline',
    cause: 'It was killed with all that it had started.',
    hint: 'Give it more time with `timeoutMs`, or look for what it waits for.',
  },
  'feature.unsupported': {
    title: 'This provider or plugin cannot do that',
    cause: 'The feature is not declared in its profile. Nothing was done.',
    hint: 'Use one of those that the message names, or do without the feature.',
  },
  'fs.denied': {
    title: 'The sandbox refused access to a path',
    cause: 'The user inside may not read or write it.',
    hint: 'Check owner and mode inside of the sandbox.',
  },
  'fs.exists': {
    title: 'Something is at the path already',
    cause: 'The call creates, and does not replace.',
    hint: 'Remove it first, or use a call that replaces.',
  },
  'fs.failed': {
    title: 'A file operation inside of the sandbox failed',
    cause: 'The message quotes what the sandbox said.',
    hint: 'Read the quoted reason.',
  },
  'fs.is-directory': {
    title: 'The path is a directory',
    cause: 'A file was asked for.',
    hint: 'Use `list`, or name a file below it.',
  },
  'fs.no-space': {
    title: 'There is no space left in the sandbox',
    cause: 'Its disk or its quota is full.',
    hint: 'Remove what is not needed inside, or give the sandbox a larger disk.',
  },
  'fs.not-directory': {
    title: 'The path, or a part of it, is not a directory',
    cause: 'A directory was asked for.',
    hint: 'Check each part of the path.',
  },
  'fs.not-empty': {
    title: 'The directory is not empty',
    cause: 'The call removes empty directories alone.',
    hint: 'Pass `recursive: true`.',
  },
  'fs.not-found': {
    title: 'Nothing is at the path',
    cause: 'The file or directory does not exist in the sandbox.',
    hint: 'Check the path; relative ones start at the workspace.',
  },
  'git.failed': {
    title: 'Git could not do its part',
    cause: 'The source is no repository, has no commit, cannot be reached, or git is missing.',
    hint: 'Read what git said; try the same command by hand.',
  },
  'guardrail.tripped': {
    title: 'A guardrail stopped the run',
    cause: 'The check of the input or the output did not pass.',
    hint: 'The details tell which guardrail, and what it found.',
  },
  'internal.invariant': {
    title: 'Ringfence contradicts itself',
    cause: 'A state was reached that cannot be. This is a bug.',
    hint: 'Report it with the message and the journal.',
  },
  'journal.conflict': {
    title: 'Another process wrote to this run',
    cause: 'The journal has a record where this one was to go.',
    hint: 'Load the run again and go on from there.',
  },
  'journal.corrupt': {
    title: 'The journal is damaged',
    cause: 'A record does not parse, or its hash chain is broken.',
    hint: 'Restore it from a copy; what stands before the damage is still readable.',
  },
  'journal.failed': {
    title: 'The journal could not be read or written',
    cause: 'The store failed; the cause tells how.',
    hint: 'Mend the store; the run can be loaded again from the last record.',
  },
  'journal.unsupported': {
    title: 'The journal is of another version',
    cause: 'It holds a record type or version that this release does not know.',
    hint: 'Resume it with the release that the message names, or a newer one.',
  },
  'model.failed': {
    title: 'The model service failed',
    cause: 'It could not be reached, or answered with an error that is not about the credential.',
    hint: 'Check the base URL and the state of the service; the run can be resumed.',
  },
  'model.interrupted': {
    title: 'The answer of the model was cut',
    cause: 'The stream ended before the model said that it was complete.',
    hint: 'Run it again; a part of an answer is never taken for one.',
  },
  'model.invalid-response': {
    title: 'The model service did not answer in its protocol',
    cause: 'The body was not JSON, or lacked what the protocol requires.',
    hint: 'Check that the base URL is that of a model service, with its `/v1`.',
  },
  'model.output-invalid': {
    title: 'The final output does not have the asked form',
    cause: 'It is not JSON, or does not match the schema of the agent.',
    hint: 'Ask for the form more plainly, or use a model that keeps to schemas.',
  },
  'model.rate-limited': {
    title: 'The model service asks to wait',
    cause: 'Too many requests, or a used up quota.',
    hint: 'Wait as long as `retry` says, or raise the quota.',
  },
  'patch.refused': {
    title: 'The change may not be applied to the host',
    cause: 'It touches what a change from a sandbox may never touch, leads out, or does not apply.',
    hint: 'Apply by hand the part that you trust.',
  },
  'path.escapes-workspace': {
    title: 'The path leads out of the workspace',
    cause: 'By `..`, as an absolute path, or through a link.',
    hint: 'Use a path within the workspace.',
  },
  'path.invalid': {
    title: 'The path is no path',
    cause: 'It is empty, or holds a NUL.',
    hint: 'Give a relative path within the workspace.',
  },
  'policy.denied': {
    title: 'The policy does not allow it',
    cause: 'The message names the rule and its owner.',
    hint: 'The message says how to allow it.',
  },
  'port.not-listening': {
    title: 'Nothing listens on the port',
    cause: 'The sandbox has no server on the port, or it did not begin to listen in time.',
    hint: 'Start the server first and see what it prints; it must listen on localhost or on all addresses.',
  },
  'provider.failed': {
    title: 'The provider failed',
    cause: 'Its service answered with an error, or the connection broke.',
    hint: 'Read the cause; `effect` tells whether something may have happened.',
  },
  'run.busy': {
    title: 'Another process drives this run',
    cause: 'It holds the lease of the journal.',
    hint: 'Wait until it ends; after a crash, until its lease has run out.',
  },
  'run.changed': {
    title: 'The run was started with something else',
    cause: 'The agent, a tool, the policy or the manifest differs from the one that the journal pins.',
    hint: 'Resume with the same definitions.',
  },
  'run.fenced': {
    title: 'Another process took this run over',
    cause: 'A newer epoch was opened; this one may not write any more.',
    hint: 'Stop here; the other process goes on.',
  },
  'run.max-turns': {
    title: 'The run used all of its turns',
    cause: 'The model did not come to an end within `maxTurns`.',
    hint: 'Raise `maxTurns`, or make the task smaller.',
  },
  'run.not-found': {
    title: 'There is no such run',
    cause: 'The journal store knows no run with this id.',
    hint: 'Check the id and the place of the journal.',
  },
  'sandbox.closed': {
    title: 'The handle of the sandbox is closed',
    cause: 'It was released or destroyed by this process.',
    hint: 'Open the workspace again.',
  },
  'sandbox.gone': {
    title: 'The sandbox is not there any more',
    cause: 'It ended, was removed, or was replaced by another under its name.',
    hint: 'Restore from the last snapshot; nothing is replayed on another sandbox.',
  },
  'sandbox.start-failed': {
    title: 'The sandbox could not be started',
    cause: 'The provider refused or failed; nothing of it is left.',
    hint: 'Read the cause, mend it, start again.',
  },
  'sandbox.unavailable': {
    title: 'The provider cannot be used here',
    cause: 'A program, a service or a kernel feature that it needs is missing.',
    hint: 'Run `ringfence doctor`, which says the line that mends it.',
  },
  'secret.failed': {
    title: 'A secret could not be resolved',
    cause: 'Its variable is unset, its file missing, or its command failed.',
    hint: 'Check the source that the message names.',
  },
  'snapshot.corrupt': {
    title: 'The snapshot is damaged',
    cause: 'Its bytes or its tree do not have the digest that it names.',
    hint: 'Nothing of it is used. Restore an older one.',
  },
  'snapshot.failed': {
    title: 'The snapshot store failed',
    cause: 'It could not be read or written; the cause tells how.',
    hint: 'Mend the store and take the snapshot again.',
  },
  'snapshot.not-found': {
    title: 'There is no such snapshot',
    cause: 'The store holds none under this id.',
    hint: 'Check the id and the store.',
  },
  'source.not-found': {
    title: 'A local source of the manifest is missing',
    cause: 'Nothing is at the path on the machine of the harness.',
    hint: 'Correct the `source` of the entry.',
  },
  'source.refused': {
    title: 'A local source of the manifest is not safe to take',
    cause: 'It is a link, a device or a socket, leads out, or changed while it was read.',
    hint: 'Name the real file or folder.',
  },
  'spec.version-unsupported': {
    title: 'A plugin speaks another version of its contract',
    cause: 'Its `specificationVersion` is not the one that this release understands.',
    hint: 'Install matching versions of the plugin and of Ringfence.',
  },
  'tool.failed': {
    title: 'A tool threw',
    cause: 'The function of the tool failed, and the tool turns no errors into results.',
    hint: 'Read the cause.',
  },
  'tracer.failed': {
    title: 'The tracer could not write its spans',
    cause: 'Its file or its service failed; the run went on.',
    hint: 'Mend what the cause names; the spans that the message counts are lost.',
  },
} as const satisfies Record<string, ErrorCodeEntry>

export type ErrorCode = keyof typeof ERROR_CODES
