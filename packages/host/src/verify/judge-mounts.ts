import type { Guarantee } from '@openlegion/contract/control-api';
import { judged, lines, words } from './guarantee.ts';
import type { Mounts } from './observations.ts';

interface Mount {
  point: string;
  root: string;
  type: string;
  source: string;
  options: readonly string[];
}

/** Files that engines put into every container; their content is the engine's own. */
const NAME_FILES = words(`
  /etc/hosts /etc/hostname /etc/resolv.conf /sbin/docker-init /usr/sbin/docker-init /dev/init
  /run/podman-init /run/.containerenv`);
const KERNEL_TYPES = ['proc', 'sysfs', 'cgroup', 'cgroup2', 'tmpfs', 'devpts', 'mqueue', 'none', '9p'];
/** The roots of a tmpfs made for this container, and `/dev/null` of its own, with which engines mask files. */
const TMPFS_ROOTS = ['/', '/null'];
/** Where something may be writable at all. Files in /proc and /sys have their own check. */
const WRITABLE_PLACE = /^\/(?:data|tmp|dev|dev\/(?:pts|shm|mqueue|console)|proc|proc\/.*|sys\/fs\/cgroup)$/;

/** Lines of `/proc/self/mountinfo` (proc(5)); those that cannot be read are kept as of an unknown type. */
function parseMountinfo(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const left = before.split(' ');
      const right = after.split(' ');
      return {
        root: left[3] ?? '',
        point: left[4] ?? line,
        options: (left[5] ?? '').split(','),
        type: right[0] ?? 'unknown',
        source: right[1] ?? '',
      };
    });
}

/** `declared` excuses mount options that are not shown, never a mount that should not be there. */
export function judgeMounts({ mountinfo }: Mounts, declared?: string): Guarantee {
  const mounts = parseMountinfo(mountinfo);
  const wrong = mounts.flatMap((mount) => {
    const why = objection(mount);
    return why ? [`${mount.point} (${mount.type}, ${mount.options.join(',')}): ${why}`] : [];
  });
  const root = mounts.find(({ point }) => point === '/');
  const shown = mounts.map(({ point, type, options }) => `${point} ${type} ${options[0] ?? ''}`);
  return judged('escape.mounts', {
    holds: root !== undefined,
    wrong,
    evidence: lines(shown, 60),
    why: 'The container was not made from the fixed template, or the engine mounts more than it was asked to.',
    declared:
      root !== undefined && mounts.every((mount) => OF_OPTIONS.includes(objection(mount)))
        ? declared
        : undefined,
  });
}

const TAKES_SETUID = 'takes setuid programs';
const TAKES_DEVICES = 'takes devices';
/** Objections to a mount's options alone, and no objection. */
const OF_OPTIONS: readonly (string | null)[] = [null, TAKES_SETUID, TAKES_DEVICES];

function objection({ point, root, type, options }: Mount): string | null {
  const writable = options.includes('rw');
  if (point === '/') return writable ? 'the root can be written' : null;
  if (NAME_FILES.includes(point)) {
    return writable && !point.startsWith('/etc/') ? 'a file of the engine that can be written' : null;
  }
  if (point !== '/data' && !KERNEL_TYPES.includes(type)) return 'a file system of the machine';
  if (type === 'tmpfs' && !TMPFS_ROOTS.includes(root)) return 'a directory of the machine';
  if (!writable) return null;
  if (!WRITABLE_PLACE.test(point)) return 'can be written';
  if (type === 'cgroup' || type === 'cgroup2') return 'control groups can be written';
  const masksAFile = point.startsWith('/proc/');
  if (!masksAFile && !options.includes('nosuid')) return TAKES_SETUID;
  // The devices of the container are in /dev; which ones, another check looks at.
  const mayHaveDevices = masksAFile || point === '/dev' || point === '/dev/pts' || point === '/dev/console';
  return mayHaveDevices || options.includes('nodev') ? null : TAKES_DEVICES;
}
