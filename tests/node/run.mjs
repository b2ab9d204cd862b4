// Tells stories against a service. Each line on stdin is "FILE STORY"; each is answered by a line of JSON on
// stdout: { told } or { failed }. One process tells them all, and keeps its connections, as a service would.
import { createInterface } from 'node:readline'
import { Service } from './service.mjs'

const service = new Service(process.argv[2])

for await (const line of createInterface({ input: process.stdin })) {
  const [file, story] = line.split(' ')
  let answer
  try {
    const stories = await import(`./${file}.mjs`)
    answer = { told: await stories[story](service) }
  } catch (error) {
    answer = { failed: `${error.stack}\n${error.cause?.stack ?? ''}` }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
