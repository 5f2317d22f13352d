// The only module that loads maplibre-gl, so that pages without a map do not.

import { Map, NavigationControl, ScaleControl, setWorkerUrl, type StyleSpecification } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';

setWorkerUrl(workerUrl);

/**
 * makeMap draws into the element. The canvas is a landmark of its own, named
 * once here: a second region around it would have the same name twice.
 */
export function makeMap(container: HTMLElement, style: StyleSpecification, name: string, words: { zoomIn: string; zoomOut: string }): Map {
  const map = new Map({
    container,
    style,
    center: [0, 0],
    zoom: 2,
    attributionControl: false, // all that is drawn is the city's own
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    locale: { 'Map.Title': name, 'NavigationControl.ZoomIn': words.zoomIn, 'NavigationControl.ZoomOut': words.zoomOut },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right');
  map.addControl(new ScaleControl({ unit: 'metric' }), 'bottom-left');
  return map;
}
