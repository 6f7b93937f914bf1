export default function Page() {
  return <h1>hello from node-next</h1>;
}
