import type { Guarantee } from '@openlegion/contract/control-api';
import { judged } from './guarantee.ts';
import type { VaultProcess } from './vault-processes.ts';

const FLAGS = ['--permission', '--disable-sigusr1'];

export function judgeHardened(processes: readonly VaultProcess[]): Guarantee {
  const wrong = processes.flatMap(({ name, coreLimit, commandLine }) => {
    const flags = commandLine.filter((argument) => argument.startsWith('--'));
    return [
      ...(coreLimit === '0/0' ? [] : [`${name}: core dumps up to ${coreLimit ?? 'an unknown size'}`]),
      ...(flags.includes('--permission') ? [] : [`${name}: no permission model`]),
      ...(flags.includes('--disable-sigusr1') ? [] : [`${name}: a signal opens the inspector`]),
      ...(flags.some((flag) => flag.startsWith('--inspect')) ? [`${name}: the inspector is open`] : []),
      ...(flags.some((flag) => /^--allow-(?:child-process|worker|addons|wasi)/.test(flag))
        ? [`${name}: may start other code`]
        : []),
    ];
  });
  return judged('credentials.vault-hardened', {
    holds: processes.length === 2,
    wrong,
    evidence: processes
      .map(({ name, pid, coreLimit }) => `${name} (pid ${pid}): core limit ${coreLimit}, ${FLAGS.join(', ')}`)
      .join('\n'),
    why: 'The vault was not started by this OpenLegion’s own launcher. Stop it and start it again.',
  });
}

/** `others`: users of the processes beside the vault's. */
export function judgeUsers(processes: readonly VaultProcess[], others: readonly number[]): Guarantee {
  const users = processes.map(({ uid }) => uid);
  const apart = new Set([...users, ...others]).size === users.length + new Set(others).size;
  const evidence = processes.map(({ name, uid }) => `${name}: uid ${uid}`).join('\n');
  return judged('credentials.vault-users', {
    holds: processes.length === 2 && apart && !users.includes(0),
    evidence: `${evidence}\nhost: uid ${others.join(', ')}`,
    why: 'Keeper and gateway share a user with something else.',
    declared: others.includes(0)
      ? undefined
      : 'Users of their own need root at the start; without it the walls between processes are all there is.',
  });
}
