import { reExecuteClean } from './environment/re-execute-clean.ts';

reExecuteClean(process.argv, process.env);
const { runCommandLine } = await import('./run-command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
