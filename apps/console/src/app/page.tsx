export default function Page() {
  return <main>Slipway</main>;
}
