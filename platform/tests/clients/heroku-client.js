// The whole flow with heroku-client (npm), which sends a Range header with every request, whatever it is for, and a Content-Length of 0
// with those that have no body. API_URL, API_TOKEN, API_EMAIL, SLUG, SOURCE (a file of JavaScript) and APP are the environment's.
'use strict'

const assert = require('node:assert/strict')
const childProcess = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const Heroku = require('heroku-client')

const { API_URL, API_TOKEN, API_EMAIL, SLUG, SOURCE, APP } = process.env
const heroku = new Heroku({ token: API_TOKEN, host: API_URL })

async function main () {
  assert.equal((await heroku.get('/account')).email, API_EMAIL)
  const app = await heroku.post('/apps', { body: { name: APP } })
  assert.equal(app.name, APP)
  assert.equal(app.owner.email, API_EMAIL)
  assert.equal((await heroku.get(`/apps/${app.id}`)).name, APP)
  assert.ok((await heroku.get('/users/~/apps')).some(each => each.id === app.id))

  const vars = await heroku.patch(`/apps/${APP}/config-vars`, { body: { A: '1', B: 'two', C: 'ü' } })
  assert.deepEqual(vars, { A: '1', B: 'two', C: 'ü' })
  assert.deepEqual(await heroku.patch(`/apps/${APP}/config-vars`, { body: { B: null } }), { A: '1', C: 'ü' })
  assert.deepEqual(await heroku.get(`/apps/${APP}/config-vars`), { A: '1', C: 'ü' })

  const content = fs.readFileSync(SLUG)
  const slug = await heroku.post(`/apps/${APP}/slugs`, {
    body: {
      process_types: { web: './web', worker: './web worker' },
      checksum: 'SHA256:' + crypto.createHash('sha256').update(content).digest('hex'),
      buildpack_provided_description: 'shell',
      commit: '0123abc',
      stack: app.stack.id
    }
  })
  assert.equal(slug.size, null)

  // A release of a slug that was not uploaded is refused.
  await assert.rejects(heroku.post(`/apps/${APP}/releases`, { body: { slug: slug.id } }), error => {
    assert.equal(error.statusCode, 422)
    assert.ok(error.body.message)
    return true
  })
  // Without a length, as a streaming client does it.
  const upload = await fetch(slug.blob.url, { method: 'PUT', body: fs.createReadStream(SLUG), duplex: 'half' })
  assert.ok(upload.ok, `PUT of the slug: ${upload.status}`)

  const release = await heroku.post(`/apps/${APP}/releases`, { body: { slug: slug.id, description: 'first' } })
  assert.equal(release.version, 5)
  assert.equal(release.description, 'first')
  assert.equal(release.current, true)
  const stored = await heroku.get(`/apps/${APP}/slugs/${slug.id}`)
  assert.equal(stored.blob.method.toLowerCase(), 'get')
  const downloaded = Buffer.from(await (await fetch(stored.blob.url)).arrayBuffer())
  assert.ok(downloaded.equals(content), 'what comes back is what was uploaded')

  await heroku.patch(`/apps/${APP}/formation`, { body: { updates: [{ type: 'web', quantity: '+1' }, { type: 'worker', quantity: '1' }] } })
  const formation = await heroku.get(`/apps/${APP}/formation`)
  assert.deepEqual(Object.fromEntries(formation.map(each => [each.type, each.quantity])), { web: 2, worker: 1 })
  assert.equal((await heroku.patch(`/apps/${APP}/formation/web`, { body: { quantity: 1 } })).quantity, 1)

  await heroku.patch(`/apps/${APP}/config-vars`, { body: { A: '2' } })
  const back = await heroku.post(`/apps/${APP}/releases`, { body: { release: release.id } })
  assert.equal(back.version, 7)
  assert.equal(back.slug.id, slug.id)
  assert.deepEqual(await heroku.get(`/apps/${APP}/config-vars`), { A: '1', C: 'ü' })
  assert.deepEqual(await heroku.get(`/apps/${APP}/releases/6/config-vars`), { A: '2', C: 'ü' })

  // Two to a page: it asks again with Next-Range until there is none.
  const releases = await heroku.get(`/apps/${APP}/releases`, { headers: { Range: 'version ..; max=2, order=desc' } })
  assert.deepEqual(releases.map(each => each.version), [7, 6, 5, 4, 3, 2, 1])
  assert.deepEqual(releases.filter(each => each.current).map(each => each.version), [7])

  await build()
  await heroku.delete(`/apps/${APP}`)
  await assert.rejects(heroku.get(`/apps/${APP}`), { statusCode: 404 })
}

// A source that is uploaded without a length, and the output of its build as it comes.
async function build () {
  const folder = fs.mkdtempSync('source-')
  fs.copyFileSync(SOURCE, `${folder}/web.js`)
  fs.writeFileSync(`${folder}/package.json`, '{}')
  fs.writeFileSync(`${folder}/Procfile`, 'web: node web.js\n')
  childProcess.execFileSync('tar', ['--create', '--gzip', '--file', 'source.tgz', '--directory', folder, '.'])
  const { source_blob: source } = await heroku.post('/sources')
  const upload = await fetch(source.put_url, { method: 'PUT', body: fs.createReadStream('source.tgz'), duplex: 'half' })
  assert.ok(upload.ok, `PUT of the source: ${upload.status}`)
  const begun = await heroku.post(`/apps/${APP}/builds`, { body: { source_blob: { url: source.get_url, version: 'first' } } })
  assert.equal(begun.status, 'pending')
  let parts = 0
  for await (const part of (await fetch(begun.output_stream_url)).body) {
    process.stdout.write(part)
    parts++
  }
  assert.ok(parts > 0, 'a build says something')
  const built = await heroku.get(`/apps/${APP}/builds/${begun.id}`)
  assert.equal(built.status, 'succeeded')
  assert.equal((await heroku.get(`/apps/${APP}/releases/${built.release.id}`)).slug.id, built.slug.id)
}

main().catch(error => {
  console.error(error, error.body)
  process.exit(1)
})
