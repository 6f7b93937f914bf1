import { format } from 'date-fns';

export default function Home({ day }) {
  return <p>Built on {day}</p>;
}

export function getStaticProps() {
  return { props: { day: format(new Date(), 'EEEE') } };
}
