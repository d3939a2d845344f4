/**
 * Files that never change: the bytes gateways of each contract version have sent and been sent. A later bridge must read
 * them as they are, so a changed, missing or unlisted file fails. A new version adds a folder and its lines.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './files.ts';

export const frozenFolder = 'test/fixtures/contract';

/** File below the folder → SHA-256. Lines are added; none is ever changed. */
const frozen: Readonly<Record<string, string>> = {
  'v1/alert.up': 'ffb52f3b600f427d41b5d97a91586cce61c8b1cba5fcce4c8b69e18c47788fab',
  'v1/event.up': '465389d0fa53f6a8cc6b62e02cefb4bb9daaddef175a42ee6fb3da5737d779e0',
  'v1/machine.up': '478f79873c5f3d08053caf4e810bfb8bf9eaa05ecc1c79bfb0633925e88c330f',
  'v1/state-summary.up': '90c2c85fa211b47bde0f947cdae0700e9c6ccc171c4699fd2b20dd9714761632',
  'v1/summary.up': 'e8e3c2317fa5b991be5d811ea796f916cbbdc54a941af578a9f499ce13c2f3cb',
  'v1/later-busy.ack': '5215577d7b6b9043756cc6939d7f0fd793d18d06e74054e9bf6aeec7923d8b90',
  'v1/later-store-full.ack': 'e64366e9083dd062011169d291ee421b238676db6960fc84f38688809895fb13',
  'v1/refused-conflict.ack': '18db6383ee69d723f7e5082df8847ad742fab06b775d3073a9603b08413ba980',
  'v1/repeat.ack': 'dd6cb4be37583b7cc23b0ef17c637b428d29961f615efa0ee58d13e934aea37b',
  'v1/stored.ack': '611c8988605f3dd698eeff0b5491148acf1dd2c7d5a11684dba42a65a5ed06e1',
  'v1/last.chunk': 'ff3f26c4ff5871c589e129e551b3d7622501a99f25191702d86c40e477a25792',
  'v1/part.file-ack': '16734277463e9e25a28b2a96825b3324d5ee5dbcb0ad2520a605d74fd1e0536c',
  'v1/later.file-ack': '5927b70a804cf57d95dd9dd4306e40b80308263b5ca3f77a223e0a919ef96faa',
  'v1/birth.status': 'eb4163a93fda0a3b45a718fb43f2268c73b30d13c9ee93ec272d22607b6d0a07',
  'v1/death.status': '7c2daa0800863fb58ce6505b1ade91608e635d328baa6d45c35d79c2ccf5f637',
  'v1/bridge.pem': '0e0dcdc6395900b4bb6a7a5cdf62e7212fc4ce85bbb6670f4ea7834b848a8dc9',
  'v1/bridge.pub.pem': '41512797d44aeec267b0cfc8f84d8f44e65572154b44d053aba9611cd0453649',
  'v1/gateway.pem': 'aa61ac01e73350dc684d97640645e6001cd50eeab11dc1115532c7e5b703f096',
  'v1/gateway.pub.pem': '75bb285edabbaf020be26fb285e50b0bdff1aca5f0378c7b24d513cc756ddb18',
};

/** What differs from the table, a line each. `folder` holds a folder for each contract version. */
export function frozenProblems(folder: string = join(repository, frozenFolder)): readonly string[] {
  const there = existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== 'README.md')
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(folder.length + 1)
            .replaceAll('\\', '/'),
        )
    : [];
  const unlisted = there.filter((path) => !Object.hasOwn(frozen, path)).map((path) => `${path} is not in the table`);
  const changed = Object.entries(frozen).flatMap(([path, sha256]) => {
    if (!there.includes(path)) return [`${path} is missing`];
    const now = createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
    return now === sha256 ? [] : [`${path} was changed: it is frozen`];
  });
  return [...unlisted, ...changed].map((problem) => `${frozenFolder}/${problem}`);
}
