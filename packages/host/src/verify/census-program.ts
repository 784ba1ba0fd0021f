/*
 * Searches files and the memory of processes for planted credentials. It is a process of its own, because reading
 * the keeper's memory puts what is in it here, and the host must never hold a credential. Request on standard input,
 * findings on standard output: places and forms, never what was found.
 */
import { text } from 'node:stream/consumers';
import { CensusRequest } from './census-protocol.ts';
import { searchPlaces } from './search-places.ts';

const request = CensusRequest.parse(JSON.parse(await text(process.stdin)));
process.stdout.write(JSON.stringify(searchPlaces(request)));
