import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './app.tsx';
import { keepFocus } from './focus-keeper.ts';
import { LanguageProvider } from './language-choice.tsx';

const root = document.getElementById('app');
if (root !== null) {
  keepFocus();
  render(
    <LanguageProvider>
      <App />
    </LanguageProvider>,
    root,
  );
}
